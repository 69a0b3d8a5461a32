import { describe, expect, test } from '@jest/globals';
import { clouds } from '../../src/azure/clouds.ts';
import { InputError } from '../../src/inputs/errors.ts';
import { readStepRequest, type StepRequest } from '../../src/inputs/read.ts';

const id = '11111111-2222-3333-4444-555555555555';
type Inputs = Readonly<Record<string, string>>;
const good: Inputs = { 'client-id': id, 'tenant-id': id, 'managed-identity-client-id': id };
const read = (more: Inputs = {}): StepRequest => {
  const inputs = { ...good, ...more };
  return readStepRequest((name) => inputs[name] ?? '');
};

test('inputs that are not given have their defaults', () => {
  expect(read()).toEqual({
    clientId: id,
    tenantId: id,
    origin: { kind: 'managed-identity', identity: { kind: 'client-id', value: id } },
    cloud: clouds.public,
    authorityHost: 'https://login.microsoftonline.com',
    audience: 'api://AzureADTokenExchange',
    scopes: ['https://management.azure.com/.default'],
    registries: [],
    published: [{ written: 'arm', scope: 'https://management.azure.com/.default' }],
    exports: [],
    logins: [],
    allowForkPullRequests: false,
    timeBudget: 120_000,
  });
});

test('beside a tool the default scope is requested and not published', () => {
  expect(read({ export: 'azure-sdk' })).toMatchObject({
    scopes: ['https://management.azure.com/.default'],
    published: [],
  });
  expect(read({ login: 'azure-cli', scopes: 'graph' })).toMatchObject({
    scopes: ['https://graph.microsoft.com/.default'],
    published: [{ written: 'graph' }],
  });
  expect(read({ login: 'azure-cli' })).toMatchObject({
    scopes: ['https://management.azure.com/.default'],
    published: [],
  });
});

test('a repeated resource is requested once', () => {
  const { scopes, published } = read({ scopes: 'arm, A_T = arm, https://management.azure.com' });
  expect(scopes).toEqual(['https://management.azure.com/.default']);
  expect(published).toHaveLength(3);
});

describe('which identity', () => {
  const resourceId = `/subscriptions/${id}/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/n_1-a`;
  test.each([
    ['managed-identity-client-id', id, 'client-id'],
    ['managed-identity-object-id', id, 'object-id'],
    ['managed-identity-resource-id', resourceId, 'resource-id'],
  ])('%s', (name, value, kind) => {
    expect(read({ 'managed-identity-client-id': '', [name]: value }).origin).toEqual({
      kind: 'managed-identity',
      identity: { kind, value },
    });
  });

  test.each(['/extra', ' x', '\n::error::x', '?a=b', "'"])(
    'a resource ID with %j after it is none',
    (more) => {
      const inputs = { 'managed-identity-client-id': '', 'managed-identity-resource-id': resourceId + more };
      expect(() => read(inputs)).toThrow('is not the resource ID of a user-assigned managed identity');
    },
  );

  test('exactly one must be given', () => {
    expect(() => read({ 'managed-identity-client-id': '' })).toThrow('None of them has a value.');
    expect(() => read({ 'managed-identity-object-id': id })).toThrow('Only one of them can have a value.');
  });
});

describe('allow-fork-pull-requests', () => {
  test.each([
    ['true', true],
    ['TRUE', true],
    ['false', false],
    ['False', false],
    ['', false],
  ])('"%s" is %s', (text, expected) => {
    expect(read({ 'allow-fork-pull-requests': text }).allowForkPullRequests).toBe(expected);
  });
  test.each(['yes', '1', 'on', 'y', 'true ', 'truee'])('"%s" is an error', (text) => {
    expect(() => read({ 'allow-fork-pull-requests': text })).toThrow('is neither true nor false');
  });
});

describe('timeout-seconds', () => {
  test.each([
    ['1', 1_000],
    ['3600', 3_600_000],
    ['', 120_000],
  ])('"%s"', (text, milliseconds) => {
    expect(read({ 'timeout-seconds': text }).timeBudget).toBe(milliseconds);
  });
  test.each(['0', '3601', '-1', '1.5', '1e2', '0x10', ' 5', 'two'])('"%s" is an error', (text) => {
    expect(() => read({ 'timeout-seconds': text })).toThrow('is not a whole number from 1 to 3600');
  });
});

describe('the sign-in host and the audience', () => {
  test.each([
    [{ cloud: 'china' }, 'https://login.partner.microsoftonline.cn', 'api://AzureADTokenExchangeChina'],
    [{ cloud: 'AzureUSGovernment' }, 'https://login.microsoftonline.us', 'api://AzureADTokenExchangeUSGov'],
    [
      { 'authority-host': 'https://login.sovcloud-identity.fr/', scopes: 'https://x.example' },
      'https://login.sovcloud-identity.fr',
      'api://AzureADTokenExchangeFrance',
    ],
    [
      { 'authority-host': 'https://login.example', audience: 'api://mine' },
      'https://login.example',
      'api://mine',
    ],
    [
      { 'authority-host': 'https://login.microsoftonline.us' },
      'https://login.microsoftonline.us',
      'api://AzureADTokenExchangeUSGov',
    ],
  ])('%j', (inputs, authorityHost, audience) => {
    expect(read(inputs)).toMatchObject({ authorityHost, audience });
  });

  test.each([
    'http://login.microsoftonline.com',
    'login.microsoftonline.com',
    'https://u:p@login.example',
    'https://login.example/tenant',
    'https://login.example/?a',
    'x',
  ])('%s is no sign-in host', (host) => {
    expect(() => read({ 'authority-host': host })).toThrow(InputError);
  });

  test('no default scope in a cloud without a preset, no Terraform, and no az with another host', () => {
    const host = { 'authority-host': 'https://login.sovcloud-identity.de' };
    expect(() => read(host)).toThrow('No scope was given');
    for (const tool of ['terraform', 'pulumi', 'ansible']) {
      expect(() => read({ ...host, scopes: 'https://x.example', export: tool })).toThrow(
        `${tool} has no name`,
      );
    }
    expect(read({ ...host, scopes: 'https://x.example', export: 'azure-sdk' }).exports).toEqual([
      'azure-sdk',
    ]);
  });

  test.each(['https://login.example', 'https://login.microsoftonline.us'])(
    'az is refused with %s, because it signs in at the host of its own cloud',
    (host) => {
      expect(() => read({ 'authority-host': host, login: 'azure-cli' })).toThrow(`It would not use ${host}.`);
    },
  );

  test('az is not refused with another name of its own cloud’s host', () => {
    const inputs = { cloud: 'usgovernment', login: 'azure-cli' };
    for (const host of ['https://login.microsoftonline.us', 'https://login.usgovcloudapi.net']) {
      expect(read({ ...inputs, 'authority-host': host }).logins).toEqual(['azure-cli']);
    }
  });
});

describe('what is an error', () => {
  test.each([
    [{ 'client-id': '' }, 'It is required'],
    [{ 'client-id': 'my-app' }, '"my-app" is not a GUID'],
    [{ 'tenant-id': '' }, 'It is required'],
    [{ 'tenant-id': 'Common' }, 'does not name one tenant'],
    [{ 'tenant-id': 'organizations' }, 'does not name one tenant'],
    [{ 'tenant-id': 'consumers' }, 'does not name one tenant'],
    [{ 'tenant-id': 'contoso' }, 'neither a GUID nor a domain name'],
    [{ 'subscription-id': 'prod' }, 'is not a GUID'],
    [{ cloud: 'mars' }, 'is not a known cloud'],
    [{ export: 'terrafrom' }, 'is not one of its values'],
    [{ export: 'azure-sdk terraform' }, 'has spaces between its values'],
    [{ login: 'svn' }, 'is not one of its values'],
    [{ audience: 'api://a api://b' }, 'contains white space'],
  ])('%j', (inputs, problem) => {
    expect(() => read(inputs)).toThrow(problem);
  });

  test.each(['{"clientSecret":"x"}', 'api://a`b', "api://a'b", 'api://<a>', 'api://a\\b', 'api://ä'])(
    '%j is no audience, because messages and commands show it',
    (audience) => {
      expect(() => read({ audience })).toThrow('is neither an application ID URI nor a GUID');
    },
  );

  test('a domain name is a tenant, in lower case', () => {
    expect(read({ 'tenant-id': 'Contoso.OnMicrosoft.com' }).tenantId).toBe('contoso.onmicrosoft.com');
  });
});
