import base from './jest.config.js';

/** The clients that others wrote (az, the Azure SDKs): slow to install and to start, so apart from `npm test`. */
export default {
  ...base,
  roots: ['<rootDir>/test/clients'],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 300_000,
};
