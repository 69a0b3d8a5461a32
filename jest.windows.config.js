import base from './jest.config.js';

/** Both bundles on Windows' `node.exe` under Wine: slow to install, so apart from `npm test`. */
export default {
  ...base,
  roots: ['<rootDir>/test/windows'],
  testPathIgnorePatterns: ['/node_modules/'],
  setupFilesAfterEnv: ['./test/windows/retry-hanging-wine.ts'],
  globalTeardown: './test/windows/shut-down.ts',
  // All tests share one Wine prefix and its stand-ins.
  maxWorkers: 1,
  testTimeout: 60_000,
};
