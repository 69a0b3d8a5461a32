import { describe, expect, test } from '@jest/globals';
import { clientIds, tenantIds } from '../../emulator/default-world.ts';
import { registryErrors } from '../../src/exchange/registry-errors.ts';
import {
  callsByBash,
  causeAndFix,
  commandsIn,
  contextFor,
  describeRequest,
  everything,
  expectWellFormed,
  failureOf,
  labelledHosts,
  registryHost,
} from './message-context.ts';

const errors = (code: string, message: string) => ({ errors: [{ code, message, detail: null }] });
const firewall =
  "client with IP '198.51.100.7' is not allowed access. Refer https://aka.ms/acr/firewall to grant access.";
const unauthorized = 'authentication required, visit https://aka.ms/acr/authorization for more information.';

/** The row, the registry's answer, what a user must learn, and the arguments of the command in the fix. */
const cases = [
  [
    'DENIED: client with IP … is not allowed access',
    403,
    errors('DENIED', firewall),
    /firewall of registry contoso\.azurecr\.io does not allow this machine’s address/u,
    /virtual network/u,
    [['acr', 'network-rule', 'add', '--name', 'contoso', '--ip-address', '<address>']],
  ],
  [
    'HTTP 401 UNAUTHORIZED: authentication required',
    401,
    errors('UNAUTHORIZED', unauthorized),
    new RegExp(`^App ${clientIds.deployer} has no role on .*not in tenant ${tenantIds.contoso}\\.$`, 'u'),
    /AcrPull or AcrPush .*tenant-?id/iu,
    [
      ['acr', 'show', '--name', 'contoso', '--query', 'id', '--output', 'tsv'],
      [
        ...['role', 'assignment', 'create', '--assignee', clientIds.deployer],
        ...['--role', 'AcrPull', '--scope', 'inner-id'],
      ],
    ],
  ],
  [
    'HTTP 401 UNAUTHORIZED: authentication required',
    403,
    errors('DENIED', 'requested access to the resource is denied'),
    /has no role/u,
    /AcrPull/u,
    undefined,
  ],
  [
    'HTTP 404 from the registry',
    404,
    '',
    /not an Azure container registry/u,
    /Check the login server/u,
    [['acr', 'show', '--name', 'contoso', '--query', 'loginServer', '--output', 'tsv']],
  ],
  [
    'HTTP 400 from the registry',
    400,
    errors('BAD_REQUEST', 'service must be the login server.'),
    /defect of this step/u,
    /Report it/u,
    [],
  ],
] as const;

test('every row of the table is expected here', () => {
  expect([...new Set(cases.map(([row]) => row))].sort()).toEqual(
    registryErrors.map(({ text }) => text).sort(),
  );
});

describe.each(labelledHosts)('$title', (host) => {
  test.each(cases)('%s (%i)', (_, status, body, cause, fix, calls) => {
    const text = describeRequest(failureOf('registry', status, body), contextFor(host));
    expectWellFormed(text, host);
    expect(text.error).toContain(
      `Could not get a token from registry ${registryHost} as app ${clientIds.deployer} in tenant ${tenantIds.contoso}`,
    );
    expect(everything(text)).toContain(`${registryHost} answered HTTP ${status}`);
    expect(causeAndFix(text).cause).toMatch(cause);
    expect(causeAndFix(text).fix).toMatch(fix);
    if (calls === undefined) return;
    const own = commandsIn(text).flatMap((line) => callsByBash(line.replaceAll(/<([^>]+)>/gu, "'<$1>'")));
    expect(own).toEqual(calls);
  });

  test('the registry’s own words are shown', () => {
    const text = describeRequest(failureOf('registry', 403, errors('DENIED', firewall)), contextFor(host));
    expect(everything(text)).toContain(`answered HTTP 403 DENIED: ${firewall}`);
  });

  test.each([
    ['ENOTFOUND', /DNS does not know contoso\.azurecr\.io/u, /private endpoint/u],
    ['ECONNREFUSED', /cannot connect to contoso\.azurecr\.io/u, /Allow this machine to reach/u],
  ])('a registry that cannot be reached: %s', (code, cause, fix) => {
    const failure = {
      kind: 'unreachable',
      leg: 'registry',
      host: registryHost,
      code,
      message: `connect ${code}`,
    } as const;
    const text = describeRequest(failure, contextFor(host));
    expectWellFormed(text, host);
    expect(causeAndFix(text).cause).toMatch(cause);
    expect(causeAndFix(text).fix).toMatch(fix);
  });
});

test('the name of the registry is the part of its login server before the hash or the region', () => {
  const [host] = labelledHosts;
  if (host === undefined) throw new Error('no host');
  for (const loginServer of ['contoso-a1b2c3d4e5f6g7h8.azurecr.io', 'contoso.westeurope.geo.azurecr.io']) {
    const failure = {
      ...failureOf('registry', 401, errors('UNAUTHORIZED', unauthorized)),
      host: loginServer,
    };
    expect(everything(describeRequest(failure, contextFor(host)))).toContain('az acr show --name contoso ');
  }
});
