import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { clientIds, identities, tenantIds } from '../../emulator/default-world.ts';
import { type Emulator, entraError, startEmulator } from '../../emulator/emulator.ts';
import { inputNames } from '../../src/contract.ts';
import { entraCodes } from '../../src/exchange/entra-codes.ts';
import { identityRefusals } from '../../src/exchange/identity-refusals.ts';
import { assertNoSecretLeaks } from '../harness/secret-leaks.ts';
import { goodInputs, type HostUnderTest, oneOfEach, runStepOn, tokensIn } from './hosts-under-test.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());
afterEach(() => azure.faults.clear());

const codes = entraCodes.flatMap((row) => row.codes.map((code) => ({ code, row })));
/** A table's text as the host's users read it, its placeholders standing for anything. */
function pattern(template: string, { spell }: HostUnderTest): RegExp {
  const parts = template
    .split(/\{\w+\}/u)
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/gu, '\\$&'))
    .join('[\\s\\S]+');
  const spelled = inputNames.reduce(
    (text, name) => text.replaceAll(new RegExp(`(?<![\\w-])${name}(?![\\w-])`, 'gu'), spell(name)),
    parts,
  );
  return new RegExp(spelled, 'u');
}

/** The codes an exchange is documented to meet; the table may have more, never fewer. */
const documented = [
  ...[
    '70021',
    '700211',
    '700212',
    '700213',
    '70025',
    '7002206',
    '700222',
    '700236',
    '700226',
    '700227',
    '700229',
  ],
  ...[
    '700231',
    '700223',
    '700238',
    '700016',
    '7000229',
    '650059',
    '7000112',
    '90002',
    '900382',
    '900432',
    '90038',
  ],
  ...[
    '500011',
    '50001',
    '70011',
    '1002012',
    '700022',
    '700023',
    '28002',
    '901002',
    '700024',
    '700027',
    '50013',
  ],
  ...['50027', '7000218', '900144', '53003', '530032', '50196', '90033', '90006', '90012', '90024', '90055'],
  ...['50033', '90090', '100007'],
];

test('the table has every documented code, and each once', () => {
  const known = codes.map(({ code }) => code);
  expect(known).toEqual(expect.arrayContaining(documented));
  expect(new Set(known).size).toBe(known.length);
});

describe.each(oneOfEach)('$title', (host) => {
  test.each(codes)('AADSTS$code', async ({ code, row }) => {
    azure.clearRequests();
    azure.faults.queue(
      'entra',
      entraError(Number(code), { status: 400, message: 'Words of Entra’s own.' }),
      99,
    );
    // One second: long enough for an answer, too short for a second try where one is due.
    const outcome = await runStepOn(host, azure, { ...goodInputs, 'timeout-seconds': '1' });
    expect(outcome.succeeded).toBe(false);
    expect(outcome.errors).toHaveLength(1);
    const [message = ''] = outcome.errors;
    expect(message).toContain(`AADSTS${code}: Words of Entra’s own.`);
    expect(message).toMatch(/trace ID [0-9a-f-]{36}, correlation ID [0-9a-f-]{36}/u);
    // Said once: Entra's words end before the lines in which it says the same.
    expect(message).not.toContain('Trace ID:');
    expect(message).toMatch(pattern(row.cause, host));
    expect(message).toMatch(pattern(row.remedy, host));
    expect(message).not.toMatch(/\{\w+\}/u);
    const command = code === '700212' ? 'update' : 'create';
    expect(message.includes(`az ad app federated-credential ${command}`)).toBe(row.show === 'trust');
    expect(message.includes('time budget')).toBe(row.retry !== undefined);
    if (row.retry === undefined) expect(azure.requests.filter(({ leg }) => leg === 'entra')).toHaveLength(1);
    expect(outcome.outputs).toEqual({});
    assertNoSecretLeaks(outcome.transcript, tokensIn(outcome.transcript.raw.stdout));
  });

  test('a code with digits appended is the same code', async () => {
    azure.faults.queue('entra', entraError(7000112_3, { status: 400, message: 'x' }));
    const { errors } = await runStepOn(host, azure, goodInputs);
    expect(errors[0]).toContain('is disabled');
  });

  test('an unknown code leads to where codes are looked up', async () => {
    azure.faults.queue('entra', entraError(987654, { status: 400, message: 'x' }));
    const { errors } = await runStepOn(host, azure, goodInputs);
    expect(errors[0]).toContain('https://login.microsoftonline.com/error?code=987654');
  });

  test.each(identityRefusals)('the identity endpoint says: $text', async ({ text, cause }) => {
    azure.faults.queue('imds', { status: 400, body: { error: 'invalid_request', error_description: text } });
    const { errors } = await runStepOn(host, azure, goodInputs);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(text);
    expect(errors[0]).toMatch(pattern(cause, host));
  });

  test('an identity that is not assigned to the machine is told how to be', async () => {
    const { errors } = await runStepOn(host, azure, {
      ...goodInputs,
      'managed-identity-client-id': identities.elsewhere.clientId,
    });
    expect(errors[0]).toContain(
      `Managed identity ${identities.elsewhere.clientId} is not assigned to this machine`,
    );
    expect(errors[0]).toContain('az vm identity assign');
  });
});

test('a missing trust shows what the assertion has and the whole command, first while it waits and then at the end', async () => {
  const [github] = oneOfEach;
  if (github === undefined) throw new Error('no host');
  azure.clearRequests();
  const outcome = await runStepOn(github, azure, { ...goodInputs, 'client-id': clientIds.wrongSubject });
  const issuer = `https://login.microsoftonline.com/${tenantIds.contoso}/v2.0`;
  const subject = identities.runner.objectId;
  const command = `az ad app federated-credential create --id ${clientIds.wrongSubject} --parameters '{"name":"managed-identity-${subject.slice(0, 8)}","issuer":"${issuer}","subject":"${subject}","audiences":["api://AzureADTokenExchange"]}'`;
  expect(outcome.errors[0]).toContain(command);
  expect(outcome.errors[0]).toContain('Tried 3 times');
  const diagnosis = outcome.log.indexOf(command);
  const second = outcome.log.indexOf('try 2 in');
  expect(diagnosis).toBeGreaterThan(0);
  expect(second).toBeGreaterThan(diagnosis);
  expect(outcome.log).toContain('may still be propagating');
  expect(azure.requests.filter(({ leg }) => leg === 'entra')).toHaveLength(3);
});

test('a trust that has just been created is found by the second try', async () => {
  const [github] = oneOfEach;
  if (github === undefined) throw new Error('no host');
  azure.faults.queue('entra', entraError(700213));
  const outcome = await runStepOn(github, azure, goodInputs);
  expect(outcome.succeeded).toBe(true);
  expect(outcome.errors).toEqual([]);
});
