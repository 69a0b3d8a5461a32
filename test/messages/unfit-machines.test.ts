import { describe, expect, test } from '@jest/globals';
import { ExchangeError } from '../../src/exchange/errors.ts';
import { detectMachine, type MachineFacts, unfitMachines } from '../../src/exchange/machine.ts';
import { describeFailure } from '../../src/messages/failures.ts';
import { debugMachine } from '../../src/messages/progress.ts';
import { causeAndFix, contextFor, everything, expectWellFormed, labelledHosts } from './message-context.ts';

const endpoint = { IDENTITY_ENDPOINT: 'http://127.0.0.1:1/token', IDENTITY_HEADER: 'header' };
const facts = (variables: MachineFacts['variables'], arcAgentInstalled = false): MachineFacts => ({
  variables,
  arcAgentInstalled,
});

const cases: readonly (readonly [machine: string, facts: MachineFacts, cause: RegExp, fix: RegExp])[] = [
  [
    'Azure Service Fabric',
    facts({ ...endpoint, IDENTITY_SERVER_THUMBPRINT: 'ab' }),
    /cannot select one/u,
    /virtual machine/u,
  ],
  [
    'Azure Container Instances on Windows',
    facts({ IDENTITY_ENDPOINT: 'http://10.0.0.1?api-version=1' }),
    /old protocol/u,
    /Linux container group/u,
  ],
  [
    'Azure Machine Learning, or App Service with only the retired 2017-09-01 endpoint',
    facts({ MSI_ENDPOINT: 'http://x', MSI_SECRET: 'y' }),
    /does not reliably return/u,
    /virtual machine/u,
  ],
  [
    'Azure Cloud Shell',
    facts({ MSI_ENDPOINT: 'http://localhost:50342' }),
    /signed-in person/u,
    /virtual machine/u,
  ],
  [
    'an Azure Arc-enabled server',
    facts({ IDENTITY_ENDPOINT: 'http://localhost:40342', IMDS_ENDPOINT: 'http://localhost:40342' }),
    /only a system-assigned identity/u,
    /virtual machine/u,
  ],
  ['an Azure Arc-enabled server', facts({}, true), /only a system-assigned identity/u, /virtual machine/u],
];

test('every machine of the table is met here', () => {
  expect([...new Set(cases.map(([machine]) => machine))]).toEqual(
    unfitMachines.map(({ machine }) => machine),
  );
});

describe.each(labelledHosts)('$title', (host) => {
  test.each(cases)('%s', (machine, given, cause, fix) => {
    const found = detectMachine(given);
    if (found.kind !== 'unfit-machine') throw new Error(`taken for ${found.kind}`);
    const text = describeFailure(new ExchangeError(found), contextFor(host));
    expectWellFormed(text, host);
    expect(text.error).toContain(
      `This machine is ${machine}, which this step cannot use. Nothing was requested.`,
    );
    expect(causeAndFix(text).cause).toMatch(cause);
    expect(causeAndFix(text).fix).toMatch(fix);
  });

  test.each(['http://metadata.example', 'https://127.0.0.1:1', 'http://127.0.0.1.example'])(
    'a job cannot move the metadata service to %s',
    (address) => {
      const found = detectMachine(facts({ AZURE_POD_IDENTITY_AUTHORITY_HOST: address }));
      if (found.kind !== 'metadata-override') throw new Error(`taken for ${found.kind}`);
      const text = describeFailure(new ExchangeError(found), contextFor(host));
      expectWellFormed(text, host);
      expect(text.error).toContain(
        `replaces the address of the metadata service with ${address}. Nothing was requested.`,
      );
      expect(causeAndFix(text).fix).toBe('Unset AZURE_POD_IDENTITY_AUTHORITY_HOST.');
    },
  );
});

describe.each(labelledHosts)('$title: an address with a secret', (host) => {
  test.each([
    ['http://user:s3cr3tpw@127.0.0.1:1', 'http://127.0.0.1:1 (with a user name or password)'],
    ['http://:s3cr3tpw@127.0.0.1', 'http://127.0.0.1 (with a user name or password)'],
    ['http://10.0.0.1/?key=s3cr3tpw#s3cr3tpw', 'http://10.0.0.1'],
    ['user:s3cr3tpw@host', 'a text of 18 characters that is not an address'],
    ['s3cr3tpw', 'a text of 8 characters that is not an address'],
    ['ftp://user:s3cr3tpw@host/x', 'ftp://host/x (with a user name or password)'],
  ])('%s is shown as %s', (value, shown) => {
    for (const variables of [
      { AZURE_POD_IDENTITY_AUTHORITY_HOST: value },
      { IDENTITY_ENDPOINT: value.replace(/^http:/u, 'ftp:'), IDENTITY_HEADER: 'x' },
    ]) {
      const found = detectMachine(facts(variables));
      if (!('kind' in found) || 'endpoint' in found) throw new Error('it was accepted');
      const text = describeFailure(new ExchangeError(found), contextFor(host));
      expect(text.error).toContain(
        shown.replace(/^http:/u, 'IDENTITY_ENDPOINT' in variables ? 'ftp:' : 'http:'),
      );
      expect(everything(text)).not.toContain('s3cr3tpw');
    }
  });

  test.each(['ключ', 'a\nb', 'a\u2028', '€'])(
    'the header %j is named before any request, without its value',
    (value) => {
      const found = detectMachine(facts({ ...endpoint, IDENTITY_HEADER: value }));
      expect(found).toEqual({ kind: 'invalid-header' });
      if (found.kind !== 'invalid-header') return;
      const text = describeFailure(new ExchangeError(found), contextFor(host));
      expectWellFormed(text, host);
      expect(text.error).toContain('IDENTITY_HEADER contains characters that an HTTP header cannot have');
      expect(everything(text)).not.toContain(value);
    },
  );
});

test('a debug line shows an endpoint without its password', () => {
  const found = detectMachine(
    facts({ ...endpoint, IDENTITY_ENDPOINT: 'http://user:s3cr3tpw@127.0.0.1/msi/token' }),
  );
  if (!('endpoint' in found)) throw new Error('it was not accepted');
  const line = debugMachine(found, new Set());
  expect(line).toContain('http://127.0.0.1/msi/token (with a user name or password)');
  expect(line).not.toContain('s3cr3tpw');
});

test('white space around the address does not count', () => {
  expect(detectMachine(facts({ AZURE_POD_IDENTITY_AUTHORITY_HOST: ' http://127.0.0.1:1/ ' }))).toMatchObject({
    variables: { AZURE_POD_IDENTITY_AUTHORITY_HOST: 'http://127.0.0.1:1' },
  });
});

test.each(['http://127.0.0.1:1', 'http://localhost:1', 'http://[::1]:1'])(
  'loopback %s is accepted',
  (address) => {
    expect(detectMachine(facts({ AZURE_POD_IDENTITY_AUTHORITY_HOST: address }))).toMatchObject({
      kind: 'imds',
      endpoint: address,
    });
  },
);

test('an endpoint with its header is App Service’s, also beside the variables of older machines', () => {
  expect(detectMachine(facts({ ...endpoint, MSI_ENDPOINT: 'http://x', MSI_SECRET: 'y' }))).toMatchObject({
    kind: 'app-service',
    endpoint: endpoint.IDENTITY_ENDPOINT,
    secret: endpoint.IDENTITY_HEADER,
    variables: endpoint,
  });
});
