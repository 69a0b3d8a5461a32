import base from './jest.config.js';

/** Both bundles on Windows' `node.exe` under Wine: slow to install, so apart from `npm test`. */
export default {
  ...base,
  roots: ['<rootDir>/test/windows'],
  testPathIgnorePatterns: ['/node_modules/'],
  globalTeardown: './test/windows/shut-down.ts',
  testTimeout: 120_000,
};
