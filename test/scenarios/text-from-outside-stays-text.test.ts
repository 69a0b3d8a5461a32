import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { standInAz, tempFolder } from '../handover/temp-folder.ts';
import { assertNoSecretLeaks } from '../harness/secret-leaks.ts';
import { goodInputs, hostsUnderTest, type Outcome, oneOfEach, runStepOn } from './hosts-under-test.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());
afterEach(() => azure.faults.clear());

/** Every form and every separator is tested in `test/messages/foreign-text.test.ts`; here, one of each kind. */
const hostile = [
  'words',
  '::add-mask::injected',
  '  ::error::injected',
  '\u00a0::set-output name=injected::yes',
  '##[error]injected',
  'words ##vso[task.setvariable variable=injected]yes',
  '##VSO[task.complete result=Succeeded;]injected',
].join('\r\n');
/** The same, short enough to stay whole where messages cut. */
const short = 'words\n  ::error::injected\n##vso[task.setvariable variable=injected]yes';

function expectNothingInjected(outcome: Outcome, annotations: number): void {
  expect(outcome.transcript.annotations).toHaveLength(annotations);
  expect(Object.keys({ ...outcome.variables, ...outcome.outputs })).not.toContain('injected');
  expect(outcome.order.filter(({ kind, text }) => kind === 'mask' && text.includes('injected'))).toEqual([]);
  expect(outcome.log).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]/u);
  // Nothing of it was taken for a command: none was refused either.
  expect(outcome.log.match(/^##\[(?!error|section|debug)/gmu) ?? []).toEqual([]);
}

describe.each(hostsUnderTest)('$title', (host) => {
  test.each([true, false])('in what Entra says, with the debug switch on: %s', async (debug) => {
    const body = { error: short, error_description: hostile, error_codes: [700016], trace_id: short };
    azure.faults.queue('entra', { status: 400, body, headers: { 'x-ms-request-id': '::error::injected' } });
    const outcome = await runStepOn(host, azure, goodInputs, { debug });
    expect(outcome.succeeded).toBe(false);
    expect(outcome.log).toContain('injected');
    expectNothingInjected(outcome, 1);
  });

  test('in a refusal that is retried, on the line about the next try', async () => {
    // The code is the server's own word in that line; what else it says must not reach it.
    const body = { error: short, error_description: `AADSTS90033: ${hostile}`, error_codes: [90033] };
    azure.faults.queue('entra', { status: 503, body });
    azure.faults.queue('imds', { status: 500, body: { error: short, error_description: hostile } });
    const outcome = await runStepOn(host, azure, goodInputs, { debug: true });
    expect(outcome.succeeded).toBe(true);
    expect(outcome.log).toContain('AADSTS90033. Try 2 starts in');
    expectNothingInjected(outcome, 0);
  });

  test('in what az writes: its stderr stays text, and its stdout never reaches the log', async () => {
    using place = tempFolder();
    standInAz(
      place.folder,
      `process.stdout.write(${JSON.stringify(`from-stdout\n${hostile}\n`)}); process.stderr.write(${JSON.stringify(hostile)}); process.exit(1);`,
    );
    const inputs = { ...goodInputs, login: 'azure-cli' };
    const outcome = await runStepOn(host, azure, inputs, {
      environment: { PATH: place.folder },
      debug: true,
    });
    expect(outcome.succeeded).toBe(false);
    expect(outcome.log).toContain('It failed with exit code 1:');
    expect(outcome.log).toContain('injected');
    expect(outcome.transcript.raw.stdout + outcome.transcript.raw.stderr).not.toContain('from-stdout');
    expectNothingInjected(outcome, 1);
  });

  test('what az repeats of the assertion is hidden, however much it writes around it', async () => {
    using place = tempFolder();
    standInAz(
      place.folder,
      `const token = require('node:fs').readFileSync(process.argv.find((word) => word.startsWith('@')).slice(1), 'utf8');
       process.stderr.write(token + 'x'.repeat(1900) + '\\n' + token + '\\nlast line ' + token.slice(40)); process.exit(1);`,
    );
    const inputs = { ...goodInputs, login: 'azure-cli' };
    azure.clearRequests();
    const outcome = await runStepOn(host, azure, inputs, {
      environment: { PATH: place.folder },
      debug: true,
    });
    const assertion = azure.requests.at(-1)?.form.get('client_assertion') ?? '';
    expect(outcome.log).toMatch(/last line \*\*\*$/mu);
    assertNoSecretLeaks(outcome.transcript, [assertion]);
  });
});

describe.each(oneOfEach)('$title', (host) => {
  test('in what the identity endpoint says', async () => {
    azure.faults.queue('imds', {
      status: 400,
      body: { error: 'invalid_request', error_description: hostile },
    });
    const outcome = await runStepOn(host, azure, goodInputs);
    expect(outcome.succeeded).toBe(false);
    expectNothingInjected(outcome, 1);
  });

  test('in a redirect', async () => {
    azure.faults.queue('entra', { kind: 'redirect', location: encodeURI(`https://x/${hostile}`) });
    expectNothingInjected(await runStepOn(host, azure, goodInputs), 1);
  });

  test.each([
    ['scopes', '::add-mask::injected'],
    ['client-id', 'x\n::set-output name=injected::yes'],
    ['tenant-id', '##vso[task.setvariable variable=injected]yes'],
    ['cloud', '##[error]injected'],
  ])('in the input %s', async (input, value) => {
    const outcome = await runStepOn(host, azure, { ...goodInputs, [input]: value });
    expect(outcome.succeeded).toBe(false);
    expect(outcome.order.filter(({ kind }) => kind === 'mask')).toEqual([]);
    expectNothingInjected(outcome, 1);
  });
});
