import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { goodInputs, windowsHosts } from './windows-hosts.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());

describe.each(windowsHosts)('$title on Windows', (host) => {
  test.each(['whoami', 'icacls'])('when %s fails, nothing is written and nothing stays', async (program) => {
    using job = host.start(azure);
    job.standIns.answer(program, { stderr: 'Access is denied.\r\n', code: 5 });
    const { succeeded, transcript, values } = await job.step({ ...goodInputs, export: 'azure-sdk' });
    expect(succeeded).toBe(false);
    expect(transcript.displayed).toContain('Access is denied.');
    expect(values).toEqual({});
    expect(job.left()).toEqual([]);
  });
});
