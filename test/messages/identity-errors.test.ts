import { describe, expect, test } from '@jest/globals';
import { identities } from '../../emulator/default-world.ts';
import { identityErrorRow, identityErrors } from '../../src/exchange/identity-errors.ts';
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
} from './message-context.ts';

const { clientId, objectId, resourceId } = identities.runner;
const ownEndpoint = {
  IDENTITY_ENDPOINT: 'http://127.0.0.1:1/msi/token',
  IDENTITY_HEADER: 'header-of-the-machine',
};

/** The endpoint's answer, the row that it belongs to, and what a user must learn. */
const cases = [
  [
    'Identity not found',
    400,
    'Identity not found',
    /is not assigned to this machine/u,
    /assign the identity/u,
  ],
  ['Identity not found', 400, 'No user assigned identity with ID x was found', /not assigned/u, /assign/u],
  ['Identity not found', 400, 'No managed identity found', /not assigned/u, /assign/u],
  [
    'Multiple user assigned identities exist',
    400,
    'Multiple user assigned identities exist',
    /several identities/u,
    /managed-?identity-?client-?id/iu,
  ],
  [
    'AADSTS500011',
    400,
    'AADSTS500011: The resource principal named x',
    /does not know the token-exchange audience/u,
    /Check cloud and audience/u,
  ],
  ['AADSTS500011', 400, 'invalid_resource', /token-exchange audience/u, /Check cloud/u],
  [
    'Request with X-Forwarded-For is not allowed',
    400,
    'Request with X-Forwarded-For is not allowed',
    /went through a proxy/u,
    /169\.254\.169\.254 directly/u,
  ],
] as const;
const ownCases = [
  ['HTTP 401 from IDENTITY_ENDPOINT', 401, '', /rejected IDENTITY_HEADER/u, /neither the job nor an image/u],
  ['HTTP 401 from IDENTITY_ENDPOINT', 403, '', /rejected IDENTITY_HEADER/u, /neither the job nor an image/u],
  [
    'HTTP 400 from IDENTITY_ENDPOINT',
    400,
    'Bad request',
    /rejected the request/u,
    /az containerapp identity assign/u,
  ],
] as const;

test('every row of the table is expected here', () => {
  const rows = new Set([...cases, ...ownCases].map(([row]) => row));
  expect([...rows].sort()).toEqual(identityErrors.map(({ text }) => text).sort());
});

describe.each(labelledHosts)('$title', (host) => {
  test.each(cases)('IMDS says: %s (%i %s)', (_, status, words, cause, fix) => {
    const failure = failureOf('identity', status, { error: 'invalid_request', error_description: words });
    const text = describeRequest(failure, contextFor(host));
    expectWellFormed(text, host);
    expect(text.error).toContain(`Could not get a token for managed identity ${clientId} from this machine`);
    expect(everything(text)).toContain(`169.254.169.254 answered HTTP ${status} invalid_request: ${words}`);
    expect(causeAndFix(text).cause).toMatch(cause);
    expect(causeAndFix(text).fix).toMatch(fix);
  });

  test.each(ownCases)('an endpoint of the machine’s own says: %s (%i)', (_, status, message, cause, fix) => {
    const failure = failureOf('identity', status, { statusCode: status, message });
    const text = describeRequest(failure, contextFor(host, { variables: ownEndpoint }));
    expectWellFormed(text, host);
    expect(causeAndFix(text).cause).toMatch(cause);
    expect(causeAndFix(text).fix).toMatch(fix);
    // The same status of IMDS means something else.
    expect(describeRequest(failure, contextFor(host)).error).not.toMatch(cause);
  });

  test('a federation variable that was ignored is explained', () => {
    const failure = failureOf('identity', 400, { error: 'x', error_description: 'Identity not found' });
    const ignored = describeRequest(
      failure,
      contextFor(host, { ignoredFederation: ['AZURE_FEDERATED_TOKEN_FILE'] }),
    );
    expect(everything(ignored)).toContain('AZURE_FEDERATED_TOKEN_FILE is set, and this step did not use it');
    expect(everything(ignored)).toContain(
      `set the input ${host.inputLabel('federated-token-file')} to that path`,
    );
    expect(everything(describeRequest(failure, contextFor(host)))).not.toContain(
      'AZURE_FEDERATED_TOKEN_FILE',
    );
  });
});

const [host] = labelledHosts;
if (host === undefined) throw new Error('no host');
const notFound = failureOf('identity', 400, { error: 'x', error_description: 'Identity not found' });
const selectors = [
  ['managed-identity-client-id', clientId],
  ['managed-identity-object-id', objectId],
  ['managed-identity-resource-id', resourceId],
] as const;

test.each(selectors)('%s: bash reads the commands that assign the identity', (input, value) => {
  const given = { 'managed-identity-client-id': '', [input]: value };
  const commands = commandsIn(describeRequest(notFound, contextFor(host, { given })));
  expect(commands).toHaveLength(2);
  const query = `[?clientId=='${value}' || principalId=='${value}'].id`;
  const looksUp = input !== 'managed-identity-resource-id';
  const identity = looksUp ? 'inner-id' : value;
  const own = commands.map((command) => callsByBash(command.replaceAll(/<([^>]+)>/gu, "'<$1>'")));
  const lookUp = ['identity', 'list', '--query', query, '--output', 'tsv'];
  expect(own).toEqual(
    [
      ['vm', '<machine>'],
      ['vmss', '<scale set>'],
    ].map(([kind, name]) => [
      ...(looksUp ? [lookUp] : []),
      [kind, 'identity', 'assign', '--resource-group', '<group>', '--name', name, '--identities', identity],
    ]),
  );
});

test('on Windows the inner command has no quotes around it', () => {
  const commands = commandsIn(describeRequest(notFound, contextFor(host, { windows: true })));
  expect(commands).toHaveLength(2);
  for (const command of commands) {
    expect(command).toContain(
      `--identities $(az identity list --query "[?clientId=='${clientId}' || principalId=='${clientId}'].id" --output tsv)`,
    );
  }
});

describe('an error of App Service without words that the table knows', () => {
  const row = (status: number, kind: 'imds' | 'app-service') =>
    identityErrorRow({ status, error: '', description: '', codes: [] }, kind)?.text;

  test.each([
    [400, 'HTTP 400 from IDENTITY_ENDPOINT'],
    [401, 'HTTP 401 from IDENTITY_ENDPOINT'],
    [403, 'HTTP 401 from IDENTITY_ENDPOINT'],
    [404, undefined],
    [402, undefined],
    [500, undefined],
  ])('HTTP %i: %s', (status, expected) => {
    expect(row(status, 'app-service')).toBe(expected);
    // The same status of IMDS says nothing about IDENTITY_HEADER.
    expect(row(status, 'imds')).toBeUndefined();
  });
});
