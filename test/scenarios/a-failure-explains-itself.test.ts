import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { clientIds, identities, tenantIds } from '../../emulator/default-world.ts';
import { type Emulator, entraError, startEmulator } from '../../emulator/emulator.ts';
import { goodInputs, hostsUnderTest, oneOfEach, runStepOn } from './hosts-under-test.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());
afterEach(() => azure.faults.clear());

const toEntra = () => azure.requests.filter(({ leg }) => leg === 'entra');
/** How many lines of the log begin with this text. */
const linesWith = (log: string, text: string): number =>
  log.split('\n').filter((line) => line.includes(text)).length;

/** The wording of every row is tested in `test/messages/`; here, what a step does with each kind of failure. */
describe.each(hostsUnderTest)('$title', (host) => {
  test('an error that waiting cannot fix ends the step after one request, in one short error', async () => {
    azure.clearRequests();
    azure.faults.queue('entra', entraError(700016, { status: 400, message: 'Words of Entra’s own.' }), 99);
    const outcome = await runStepOn(host, azure, goodInputs);
    expect(outcome.succeeded).toBe(false);
    expect(outcome.errors).toHaveLength(1);
    const [message = ''] = outcome.errors;
    expect(message.length).toBeLessThan(1_000);
    expect(message).toContain('AADSTS700016: Words of Entra’s own.');
    expect(message).toMatch(/trace ID [0-9a-f-]{36}, correlation ID [0-9a-f-]{36}/u);
    expect(message).toContain(
      `Cause: App ${clientIds.deployer} does not exist in tenant ${tenantIds.contoso}`,
    );
    expect(message).toContain(`Fix: Check ${host.inputLabel('client-id')}`);
    expect(toEntra()).toHaveLength(1);
    expect({ ...outcome.outputs, ...outcome.variables }).toEqual({});
  });

  test('a missing trust: one line at the first try, the full diagnosis once before the short error', async () => {
    azure.clearRequests();
    const outcome = await runStepOn(host, azure, {
      ...goodInputs,
      'client-id': clientIds.wrongSubject,
      scopes: 'arm\ngraph',
    });
    const issuer = `https://login.microsoftonline.com/${tenantIds.contoso}/v2.0`;
    const subject = identities.runner.objectId;
    const command = `az ad app federated-credential create --id ${clientIds.wrongSubject} --parameters '{"name":"managed-identity-${subject.slice(0, 8)}","issuer":"${issuer}","subject":"${subject}","audiences":["api://AzureADTokenExchange"]}'`;
    // Two scopes, one announcement.
    expect(linesWith(outcome.log, 'Retrying for up to 20 s.')).toBe(1);
    expect(outcome.log).toMatch(
      /Entra answered AADSTS70021\d*: the app has no matching federated identity credential\./u,
    );
    const [error = ''] = outcome.errors;
    expect(error.length).toBeLessThan(1_000);
    expect(error).toContain('Cause: App ');
    expect(error).toMatch(/in the log above\.$/u);
    const [firstLine = ''] = error.split('\n');
    expect(firstLine).toMatch(/: AADSTS70021\d*\.$/u);
    const before = outcome.log.slice(0, outcome.log.indexOf(firstLine));
    expect(before.split(command)).toHaveLength(2);
    expect(linesWith(before, `  subject   ${subject}`)).toBe(1);
    expect(outcome.log).toContain('Tried 3 times in');
    expect(outcome.log.indexOf('Retrying for up to')).toBeLessThan(outcome.log.indexOf(command));
    expect(toEntra().length).toBeLessThanOrEqual(6);
    expect(outcome.outputs).toEqual({});
  });

  test('a temporary error is repeated until the time budget ends, which the error says', async () => {
    azure.faults.queue('entra', entraError(90033, { status: 503, headers: { 'retry-after': '30' } }), 99);
    const outcome = await runStepOn(host, azure, { ...goodInputs, 'timeout-seconds': '2' });
    expect(outcome.errors[0]).toContain('AADSTS90033');
    expect(outcome.errors[0]).toContain(
      `Tried once. The next try would have been in 30 s, after the end of the time budget of 2 s (${host.inputLabel('timeout-seconds')}).`,
    );
  });

  test('an identity that is not assigned to the machine: the commands that assign it', async () => {
    const { elsewhere } = identities;
    const outcome = await runStepOn(host, azure, {
      ...goodInputs,
      'managed-identity-client-id': elsewhere.clientId,
    });
    expect(outcome.errors[0]).toContain(
      `Managed identity ${elsewhere.clientId} is not assigned to this machine`,
    );
    expect(outcome.log).toContain('az vm identity assign');
    expect(outcome.log).toContain('az vmss identity assign');
  });
});

describe.each(oneOfEach)('$title', (host) => {
  test('a trust that has just been created is found by the second try', async () => {
    azure.faults.queue('entra', entraError(700213));
    const outcome = await runStepOn(host, azure, goodInputs);
    expect(outcome.succeeded).toBe(true);
    expect(outcome.errors).toEqual([]);
    expect(outcome.log).toContain('Retrying for up to 20 s.');
  });

  test('one scope fails for good while another is retried: the others stop at once', async () => {
    azure.clearRequests();
    const asksFor = (resource: string) => (request: { readonly form: URLSearchParams }) =>
      (request.form.get('scope') ?? '').startsWith(resource);
    // Without the stop, this scope alone would keep the step for ten minutes.
    azure.faults.queue(
      'entra',
      { status: 503, headers: { 'retry-after': '600' }, body: {} },
      99,
      asksFor('https://graph'),
    );
    azure.faults.queue('entra', { kind: 'entra', code: 500011 }, 99, asksFor('https://vault'));
    const inputs = { ...goodInputs, 'timeout-seconds': '3600', scopes: 'A = graph\nB = key-vault\nC = arm' };
    const outcome = await runStepOn(host, azure, inputs);
    expect(outcome.errors).toHaveLength(1);
    expect(outcome.errors[0]).toContain('https://vault.azure.net/.default');
    expect(outcome.errors[0]).toContain('AADSTS500011');
    expect({ ...outcome.outputs, ...outcome.variables }).toEqual({});
    expect(toEntra().filter(asksFor('https://graph')).length).toBeLessThanOrEqual(1);
  });

  test('issuer and tenant of the diagnosis come from the assertion: the tenant is given as a domain', async () => {
    const inputs = {
      ...goodInputs,
      'client-id': clientIds.wrongSubject,
      'tenant-id': 'contoso.onmicrosoft.com',
      // Less than the first wait for a missing trust, so the first answer ends the step.
      'timeout-seconds': '3',
    };
    const outcome = await runStepOn(host, azure, inputs);
    expect(outcome.log).toContain(`issuer    https://login.microsoftonline.com/${tenantIds.contoso}/v2.0`);
    expect(outcome.log).toContain(`Sign in to tenant ${tenantIds.contoso}`);
  });
});
