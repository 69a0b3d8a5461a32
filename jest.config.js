import { availableParallelism } from 'node:os';

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: [
    '/node_modules/',
    '/test/clients/',
    '/test/windows/',
    '/test/runner/',
    '/test/hostile/',
  ],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'es6' } },
    ],
  },
  // Tests mostly wait for the processes they start, so there are more workers than cores. Jest's default is one worker
  // fewer than cores: on a machine with two, one file after the other.
  // A number, because Jest takes '150%' for 150 workers.
  maxWorkers: Math.ceil(availableParallelism() * 1.5),
  // A scenario starts real processes and a real Azurite. The limit is generous: tests do not measure time.
  testTimeout: 60_000,
};
