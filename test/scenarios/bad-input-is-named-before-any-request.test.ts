import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { goodInputs, hostsUnderTest, runStepOn } from './hosts-under-test.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());

/** The wording of every case is tested in `test/messages/inputs.test.ts`; here, what a step does with it. */
describe.each(hostsUnderTest)('$title', (host) => {
  test.each([
    ['one input', { 'client-id': 'my-app' }, 'Input client-id: "my-app" is not a GUID.'],
    [
      'two inputs',
      { login: 'azure-cli', 'authority-host': 'https://login.example.com' },
      'Inputs login and authority-host: ',
    ],
  ])('%s that cannot be used: one error, no request, no output, no stack', async (_, change, words) => {
    azure.clearRequests();
    const outcome = await runStepOn(host, azure, { ...goodInputs, ...change });
    expect(outcome.succeeded).toBe(false);
    const label = words
      .replace('client-id', host.inputLabel('client-id'))
      .replace('authority-host', host.inputLabel('authority-host'));
    expect(outcome.errors).toEqual([expect.stringContaining(label)]);
    expect(outcome.log).not.toMatch(/\n\s+at /u);
    expect(azure.requests).toEqual([]);
    expect({ ...outcome.outputs, ...outcome.variables }).toEqual({});
    expect(outcome.transcript.exitCode).toBe(host.kind === 'github' ? 1 : 0);
  });

  test('a JSON with a client secret in client-id does not reach the log, also not with the debug switch on', async () => {
    const clientSecret = 'Hs.7Pq-Zk_4Wn.2Yb-8Rt_6Vc';
    const json = JSON.stringify({ clientId: goodInputs['client-id'], clientSecret }, null, 2);
    const outcome = await runStepOn(host, azure, { ...goodInputs, 'client-id': json }, { debug: true });
    expect(outcome.errors[0]).toContain('a JSON object of');
    const { stdout, stderr } = outcome.transcript.raw;
    // With System.Debug the agent's own library shows each input, whole and unchanged, so that the agent masks it.
    const own = stdout.split('\n').filter((line) => !line.startsWith('##vso[task.debug]clientId='));
    expect(own.join('\n') + stderr).not.toContain(clientSecret);
    expect(outcome.errors.join()).not.toContain(clientSecret);
  });

  test('empty inputs have the defaults of the contract', async () => {
    azure.faults.queue('imds', { status: 503, headers: { 'retry-after': '500' }, body: {} });
    const inputs = { ...goodInputs, 'timeout-seconds': '', cloud: '', 'allow-fork-pull-requests': '' };
    const outcome = await runStepOn(host, azure, inputs);
    azure.faults.clear();
    expect(outcome.errors[0]).toMatch(
      /The next try would have been in 8 min, after the end of the time budget of 120 s/u,
    );
  });
});
