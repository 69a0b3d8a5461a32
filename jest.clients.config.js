import base from './jest.config.js';

/** Tests with the Azure CLI and the Azure SDKs. These take long to install and to start, so `npm test` leaves them out. */
export default {
  ...base,
  roots: ['<rootDir>/test/clients'],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 300_000,
};
