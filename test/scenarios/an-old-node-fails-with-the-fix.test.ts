import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { goodInputs, hostsUnderTest, runStepOn } from './hosts-under-test.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());

/** Makes a process report another version: no such old Node is installed here. */
const pretend = (version: string): string => {
  const code = `Object.defineProperty(process.versions, 'node', { value: '${version}' })`;
  return `--import data:text/javascript,${encodeURIComponent(code)}`;
};

test.each(hostsUnderTest.filter(({ kind }) => kind === 'azure-pipelines'))('$title', async (host) => {
  const outcome = await runStepOn(host, azure, goodInputs, {
    environment: { NODE_OPTIONS: pretend('16.20.2') },
  });
  expect(outcome.succeeded).toBe(false);
  expect(outcome.errors).toHaveLength(1);
  expect(outcome.errors[0]).toMatch(
    /^This task needs Node 20 or later.*Node 16\.20\.2\. Cause: .*glibc older than 2\.28.*too old\. Fix: /u,
  );
  expect(outcome.errors[0]?.split('\n')).toHaveLength(1);
  expect(azure.requests).toEqual([]);
  expect(outcome.transcript.raw.stderr).toBe('');
});
