import { describe, expect, test } from '@jest/globals';
import { ExchangeError } from '../../src/exchange/errors.ts';
import { detectMachine, type MachineFacts, unfitMachines } from '../../src/exchange/machine.ts';
import { describeFailure } from '../../src/messages/failures.ts';
import { causeAndFix, contextFor, expectWellFormed, labelledHosts } from './message-context.ts';

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

  test.each([
    'http://metadata.example',
    'https://127.0.0.1:1',
    'http://127.0.0.1.example',
    'http://user@127.0.0.1',
  ])('a job cannot move the metadata service to %s', (address) => {
    const found = detectMachine(facts({ AZURE_POD_IDENTITY_AUTHORITY_HOST: address }));
    if (found.kind !== 'metadata-override') throw new Error(`taken for ${found.kind}`);
    const text = describeFailure(new ExchangeError(found), contextFor(host));
    expectWellFormed(text, host);
    expect(text.error).toContain(
      `replaces the address of the metadata service with ${address}. Nothing was requested.`,
    );
    expect(causeAndFix(text).fix).toBe('Unset AZURE_POD_IDENTITY_AUTHORITY_HOST.');
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
