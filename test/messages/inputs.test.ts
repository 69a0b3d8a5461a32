import { describe, expect, test } from '@jest/globals';
import { identities } from '../../emulator/default-world.ts';
import { type InputName, inputNames } from '../../src/contract.ts';
import { StepDeclined } from '../../src/inputs/errors.ts';
import { readStepRequest } from '../../src/inputs/read.ts';
import { describeFailure } from '../../src/messages/failures.ts';
import { expectWellFormed, inputs, type LabelledHost, labelledHosts } from './message-context.ts';

type Inputs = Readonly<Record<string, string>>;

function messageFor(host: LabelledHost, change: Inputs): string {
  const all: Inputs = { ...inputs, ...change };
  try {
    readStepRequest((name) => all[name] ?? '');
  } catch (error) {
    const text = describeFailure(error, { inputLabel: host.inputLabel, secrets: new Set() });
    expect(text.error.length).toBeLessThan(1_000);
    return `${text.diagnosis ?? text.error}`;
  }
  throw new Error('The inputs were accepted.');
}

const frenchHost = 'https://login.sovcloud-identity.fr';
const germanHost = 'https://login.sovcloud-identity.de';

/** What is changed in good inputs, the inputs that the message must name, and what it must say. */
const cases: readonly (readonly [
  title: string,
  change: Inputs,
  named: readonly InputName[],
  says: RegExp,
])[] = [
  ['no client ID', { 'client-id': '' }, ['client-id'], /required.*application \(client\) ID/u],
  ['a client ID that is a name', { 'client-id': 'my-app' }, ['client-id'], /"my-app" is not a GUID/u],
  ['no tenant', { 'tenant-id': '' }, ['tenant-id'], /required/u],
  [
    'a tenant with a space',
    { 'tenant-id': 'contoso ltd' },
    ['tenant-id'],
    /neither a GUID nor a domain name/u,
  ],
  ['the tenant common', { 'tenant-id': 'Common' }, ['tenant-id'], /does not name one tenant/u],
  ['the tenant organizations', { 'tenant-id': 'organizations' }, ['tenant-id'], /does not name one tenant/u],
  ['the tenant consumers', { 'tenant-id': 'consumers' }, ['tenant-id'], /does not name one tenant/u],
  [
    'no identity selector',
    { 'managed-identity-client-id': '' },
    [
      'managed-identity-client-id',
      'managed-identity-object-id',
      'managed-identity-resource-id',
      'federated-token-file',
    ],
    /None of them has a value.*exactly one of them/u,
  ],
  [
    'two identity selectors',
    { 'managed-identity-object-id': identities.runner.objectId },
    ['managed-identity-client-id', 'managed-identity-object-id'],
    /Only one of them/u,
  ],
  [
    'a malformed identity',
    { 'managed-identity-client-id': '1234' },
    ['managed-identity-client-id'],
    /"1234" is not a GUID/u,
  ],
  [
    'a malformed object ID',
    { 'managed-identity-client-id': '', 'managed-identity-object-id': 'x' },
    ['managed-identity-object-id'],
    /object \(principal\) ID/u,
  ],
  [
    'a resource ID of something else',
    {
      'managed-identity-client-id': '',
      'managed-identity-resource-id':
        '/subscriptions/x/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v',
    },
    ['managed-identity-resource-id'],
    /az identity show --query id/u,
  ],
  ['a scope that is none', { scopes: 'arn' }, ['scopes'], /"arn" is neither an alias.*key-vault/u],
  [
    'a permission',
    { scopes: 'https://graph.microsoft.com/User.Read' },
    ['scopes'],
    /is a permission.*Use the resource: https:\/\/graph\.microsoft\.com\./u,
  ],
  ['a folded block', { scopes: 'arm graph' }, ['scopes'], /white space inside its scope.*“\|”.*folded/u],
  [
    'a comment',
    { scopes: 'arm\n# the graph' },
    ['scopes'],
    /Line "# the graph" looks like a comment\..*cannot have comments/u,
  ],
  ['a name without a scope', { scopes: 'TOKEN =' }, ['scopes'], /has a name but no scope.*NAME = SCOPE/u],
  [
    'a name that is none',
    { scopes: 'my-token = arm' },
    ['scopes'],
    /"my-token" is not the name of a variable/u,
  ],
  ['a name twice', { scopes: 'A = arm\na = graph' }, ['scopes'], /the name a is used twice/u],
  [
    'a name that is another line’s scope',
    { scopes: 'arm = graph\narm' },
    ['scopes'],
    /Two lines have the same key, arm, in access-?tokens/iu,
  ],
  [
    'such a name in another letter case',
    { scopes: 'ARM = graph\narm' },
    ['scopes'],
    /Two lines have the same key, arm,/u,
  ],
  ['a reserved name', { scopes: 'Path = arm' }, ['scopes'], /name Path is reserved.*later steps/u],
  [
    'an output’s name',
    { scopes: 'AccessToken = arm' },
    ['scopes'],
    /reserved because it is one of this step’s outputs/u,
  ],
  [
    'a name of the step itself',
    { scopes: 'ENTRA_APP_TOKEN_X = arm' },
    ['scopes'],
    /reserved.*host or to this step/u,
  ],
  [
    'a name of the identity endpoint',
    { scopes: 'identity_endpoint = arm' },
    ['scopes'],
    /reserved because `export` and `login` set it/u,
  ],
  [
    'a name that export sets',
    { scopes: 'azure_tenant_id = arm' },
    ['scopes'],
    /reserved because `export` and `login` set it/u,
  ],
  [
    'a name that a tool would prefer',
    { scopes: 'ARM_CLIENT_SECRET = arm' },
    ['scopes'],
    /act as an identity other than/u,
  ],
  [
    'an unknown cloud',
    { cloud: 'mars' },
    ['cloud'],
    /"mars" is not a known cloud.*public, usgovernment, china.*authority-?host/iu,
  ],
  [
    'an http authority',
    { 'authority-host': 'http://login.microsoftonline.com' },
    ['authority-host'],
    /not an https address/u,
  ],
  [
    'an authority with a path',
    { 'authority-host': 'https://login.microsoftonline.com/common' },
    ['authority-host'],
    /tenant belongs in tenant-?id/iu,
  ],
  [
    'an authority with a password',
    { 'authority-host': 'https://u:p@login.example' },
    ['authority-host'],
    /not an https address/u,
  ],
  [
    'more than 50 scopes',
    { scopes: Array.from({ length: 51 }, (_, index) => `api://orders-${index}`).join('\n') },
    ['scopes'],
    /It has 51 scopes\. Use at most 50 in one step/u,
  ],
  ...[
    'npm_abcdefghijklmnopqrstuvwxyz0123456789',
    'Xy78Q~Ab1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uVwX',
    'AKIAIOSFODNN7EXAMPLE',
    'AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI',
    'AzureADTokenExchange',
    'api://',
    'api://user:secret@host',
    'https://x.example/?sig=abc',
    'https://x.example/#abc',
    'file:///etc/passwd',
    '{"a":"b"}',
  ].map(
    (audience) =>
      [
        `the audience ${audience}`,
        { audience },
        ['audience'],
        /is neither an application ID URI nor a GUID/u,
      ] as const,
  ),
  ['an audience with a space', { audience: 'api://a b' }, ['audience'], /contains white space/u],
  [
    'an unknown export',
    { export: 'bicep' },
    ['export'],
    /"bicep" is not one of its values.*azure-sdk, terraform, azcopy/u,
  ],
  [
    'exports with spaces between them',
    { export: 'azure-sdk terraform' },
    ['export'],
    /"azure-sdk terraform" has spaces between its values.*separated by commas or on lines of their own/u,
  ],
  [
    'an unknown login',
    { login: 'powershell' },
    ['login'],
    /"powershell" is not one of its values.*azure-cli/u,
  ],
  ['a malformed subscription', { 'subscription-id': 'prod' }, ['subscription-id'], /"prod" is not a GUID/u],
  [
    'a boolean that is none',
    { 'allow-fork-pull-requests': 'maybe' },
    ['allow-fork-pull-requests'],
    /"maybe" is neither true nor false/u,
  ],
  [
    'a boolean yes',
    { 'allow-fork-pull-requests': 'yes' },
    ['allow-fork-pull-requests'],
    /"yes" is neither true nor false/u,
  ],
  [
    'a boolean 1',
    { 'allow-fork-pull-requests': '1' },
    ['allow-fork-pull-requests'],
    /"1" is neither true nor false/u,
  ],
  [
    'a negative time',
    { 'timeout-seconds': '-1' },
    ['timeout-seconds'],
    /"-1" is not a whole number from 1 to 3600.*omit the input to use 120 seconds/u,
  ],
  ['no time', { 'timeout-seconds': '0' }, ['timeout-seconds'], /from 1 to 3600/u],
  ['too much time', { 'timeout-seconds': '3601' }, ['timeout-seconds'], /from 1 to 3600/u],
  ['a time with a fraction', { 'timeout-seconds': '1.5' }, ['timeout-seconds'], /whole number/u],
  [
    'an alias in a cloud whose resources are not known',
    { 'authority-host': frenchHost, scopes: 'graph' },
    ['scopes', 'authority-host'],
    /"graph" has no known resource in the cloud of this sign-in host, France \(Bleu\).*full scope/u,
  ],
  [
    'no scope in a cloud whose resources are not known',
    { 'authority-host': germanHost },
    ['scopes', 'authority-host'],
    /Germany \(Delos\).*full scope/u,
  ],
  [
    'Terraform in a cloud it has no name for',
    { 'authority-host': frenchHost, scopes: 'https://a.example', export: 'terraform' },
    ['export', 'authority-host'],
    /terraform has no name.*France \(Bleu\)/u,
  ],
  [
    'a sign-in of az at another host',
    { 'authority-host': 'https://login.example.com', login: 'azure-cli' },
    ['login', 'authority-host'],
    /would not use https:\/\/login\.example\.com\. Omit authority-?host/iu,
  ],
];

/** A credential for `azure/login`, as a user may pass it by mistake; in each order, since scopes are read by lines. */
const clientSecret = 'Hs.7Pq-Zk_4Wn.2Yb-8Rt_6Vc';
const entraSecret = 'w3A8Q~kdYfO1wq0pXc5Z-vB2n4M6s8D0fG1hJ3kL';
const members = (secret: string) => [
  ['clientId', 'd3b10700-2222-4000-8000-000000000001'],
  ['clientSecret', secret],
  ['subscriptionId', '50b5c217-0000-4000-8000-00000000aa01'],
  ['tenantId', 'c0470505-0000-4000-8000-00000000c001'],
];
const credentials = [clientSecret, entraSecret].flatMap((secret) => {
  const [first, second, ...rest] = members(secret);
  return [[first, second, ...rest], [second, first, ...rest], [second]].flatMap((list) => {
    const object = Object.fromEntries(list as [string, string][]);
    return [
      JSON.stringify(object),
      JSON.stringify(object, null, 2),
      JSON.stringify(object, null, 2).replaceAll('\n', '\r\n'),
    ];
  });
});

describe.each(labelledHosts)('$title', (host) => {
  test.each(cases)('%s', (_, change, named, says) => {
    const message = messageFor(host, change);
    expectWellFormed({ error: message }, host);
    const labels = named.map((name) => host.inputLabel(name));
    const label =
      labels.length === 1
        ? `Input ${labels[0]}: `
        : `Inputs ${labels.slice(0, -1).join(', ')} and ${labels.at(-1)}: `;
    expect(message.startsWith(label)).toBe(true);
    expect(message).toMatch(says);
  });

  test.each(
    inputNames.filter(
      (name) => name !== 'managed-identity-object-id' && name !== 'managed-identity-resource-id',
    ),
  )('%s: a JSON with a client secret is never quoted', (name) => {
    for (const credential of credentials) {
      const message = messageFor(host, { [name]: credential });
      expect(message).toContain(host.inputLabel(name));
      for (const secret of [clientSecret, entraSecret]) {
        expect(message).not.toContain(secret);
        expect(message).not.toContain(secret.slice(0, 10));
        expect(message).not.toContain(secret.slice(-10));
      }
    }
  });

  test.each(['managed-identity-object-id', 'managed-identity-resource-id'])(
    '%s: a JSON with a client secret is never quoted',
    (name) => {
      for (const credential of credentials) {
        const message = messageFor(host, { 'managed-identity-client-id': '', [name]: credential });
        expect(message).not.toMatch(/Hs\.7|6Vc|w3A8|J3kL/u);
      }
    },
  );

  test('a JSON in client-id is described by its length and what was probably meant', () => {
    const json = JSON.stringify(Object.fromEntries(members(entraSecret)));
    expect(messageFor(host, { 'client-id': json })).toContain(
      `The value (a JSON object of ${json.length} characters; did you mean its clientId?) is not a GUID.`,
    );
    expect(messageFor(host, { 'client-id': `eyJ${'x9'.repeat(48)}z` })).toContain(
      '(a token of 100 characters)',
    );
    expect(messageFor(host, { 'client-id': '-----BEGIN PRIVATE KEY-----\nx' })).toContain(
      'a certificate or key of',
    );
    expect(messageFor(host, { 'client-id': 'a\nb' })).toContain('(2 lines, 3 characters)');
    expect(messageFor(host, { 'client-id': 'x'.repeat(101) })).toContain('(101 characters)');
  });

  test('a line of scopes that cannot be quoted is described in a whole sentence', () => {
    expect(messageFor(host, { scopes: `# ${'x~'.repeat(20)}` })).toContain(
      ': A line (42 characters) looks like a comment.',
    );
    expect(messageFor(host, { scopes: `PATH = ${'x~'.repeat(20)}` })).toContain(
      ': A line (47 characters): the name PATH is',
    );
  });

  test('a scope that ends like a permission is quoted only if it is harmless', () => {
    expect(messageFor(host, { scopes: `${entraSecret}/profile` })).not.toContain('w3A8Q');
  });

  test('a value that looks like one of our placeholders is quoted as it is', () => {
    expect(messageFor(host, { 'client-id': '{input:scopes}' })).not.toContain('"scopes"');
  });

  test('a run for a fork is declined with the input’s name', () => {
    const { error } = describeFailure(new StepDeclined('fork', 'the reason'), {
      inputLabel: host.inputLabel,
      secrets: new Set(),
    });
    expect(error).toContain('is for a pull request from a fork, or for one of unknown origin: the reason.');
    expect(error).toContain(
      `Fix: If you trust forks, set ${host.inputLabel('allow-fork-pull-requests')} to true.`,
    );
  });

  test('a connection without verification is declined', () => {
    const { error } = describeFailure(new StepDeclined('tls-verification-off'), {
      inputLabel: host.inputLabel,
      secrets: new Set(),
    });
    expect(error).toMatch(
      /^NODE_TLS_REJECT_UNAUTHORIZED=0 turns off.*\nCause: Anyone.*Nothing was requested\.\nFix: Unset it\./u,
    );
  });
});

test('an empty input has the default of the contract', () => {
  const { timeBudget, cloud, allowForkPullRequests } = readStepRequest(
    (name) => (inputs as Inputs)[name] ?? '',
  );
  expect({ timeBudget, cloud: cloud.name, allowForkPullRequests }).toEqual({
    timeBudget: 120_000,
    cloud: 'public',
    allowForkPullRequests: false,
  });
});

test.each(['true', 'True', 'TRUE'])('allow-fork-pull-requests: %s', (value) => {
  const given: Inputs = { ...inputs, 'allow-fork-pull-requests': value };
  expect(readStepRequest((name) => given[name] ?? '').allowForkPullRequests).toBe(true);
});
