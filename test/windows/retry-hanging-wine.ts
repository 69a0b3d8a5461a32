import { jest } from '@jest/globals';

/** Wine 8 hangs now and then when it starts a process. Real failures repeat, so they still fail the test. */
jest.retryTimes(2, { logErrorsBeforeRetry: true });
