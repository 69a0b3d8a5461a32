import base from './jest.config.js';

/** Hostile servers, proxies, signals, clocks and disks: minutes of waiting for time limits, so apart from `npm test`. */
export default {
  ...base,
  roots: ['<rootDir>/test/hostile'],
  testPathIgnorePatterns: ['/node_modules/'],
  // Each file runs many steps at once by itself.
  maxWorkers: 1,
  testTimeout: 600_000,
};
