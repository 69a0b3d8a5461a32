import base from './jest.config.js';

/** act, a runner that others wrote: slow to install, and to be run without a network. So apart from `npm test`. */
export default {
  ...base,
  roots: ['<rootDir>/test/runner'],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 300_000,
};
