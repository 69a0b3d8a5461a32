import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { identities } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { inputNames } from '../../src/contract.ts';
import { goodInputs, type HostUnderTest, type Inputs, oneOfEach, runStepOn } from './hosts-under-test.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());

/** What is changed in good inputs, the inputs the message must name, and words that say what would be right. */
const cases: readonly (readonly [title: string, change: Inputs, named: readonly string[], right: RegExp])[] =
  [
    ['no client ID', { 'client-id': '' }, ['client-id'], /required.*application \(client\) ID/u],
    ['a client ID that is a name', { 'client-id': 'my-app' }, ['client-id'], /"my-app" is not a GUID/u],
    ['no tenant', { 'tenant-id': '' }, ['tenant-id'], /required/u],
    [
      'a tenant with a space',
      { 'tenant-id': 'contoso ltd' },
      ['tenant-id'],
      /neither a GUID nor a domain name/u,
    ],
    ['the tenant common', { 'tenant-id': 'Common' }, ['tenant-id'], /names no tenant in particular/u],
    ['the tenant organizations', { 'tenant-id': 'organizations' }, ['tenant-id'], /no tenant in particular/u],
    ['the tenant consumers', { 'tenant-id': 'consumers' }, ['tenant-id'], /no tenant in particular/u],
    [
      'no identity selector',
      { 'managed-identity-client-id': '' },
      ['managed-identity-client-id', 'managed-identity-object-id', 'managed-identity-resource-id'],
      /by exactly one/u,
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
      /not a GUID/u,
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
      /ask for the resource, "https:\/\/graph.microsoft.com"/u,
    ],
    ['a folded block', { scopes: 'arm graph' }, ['scopes'], /“\|”.*folded/u],
    ['a name without a scope', { scopes: 'TOKEN =' }, ['scopes'], /NAME = SCOPE/u],
    ['a name that is none', { scopes: 'my-token = arm' }, ['scopes'], /"my-token" is not a variable’s name/u],
    ['a name twice', { scopes: 'A = arm\na = graph' }, ['scopes'], /name a is given twice/u],
    [
      'a name that is another line’s scope',
      { scopes: 'arm = graph\narm' },
      ['scopes'],
      /arm is also another line’s scope/u,
    ],
    ['a reserved name', { scopes: 'Path = arm' }, ['scopes'], /Path is reserved.*later steps/u],
    ['an output’s name', { scopes: 'AccessToken = arm' }, ['scopes'], /reserved.*outputs/u],
    ['an unknown cloud', { cloud: 'mars' }, ['cloud'], /public, usgovernment, china/u],
    [
      'an http authority',
      { 'authority-host': 'http://login.microsoftonline.com' },
      ['authority-host'],
      /https address/u,
    ],
    [
      'an authority with a path',
      { 'authority-host': 'https://login.microsoftonline.com/common' },
      ['authority-host'],
      /tenant goes into tenant-id/u,
    ],
    ['an audience with a space', { audience: 'api://a b' }, ['audience'], /white space/u],
    ['an unknown export', { export: 'pulumi' }, ['export'], /Known are: azure-sdk, terraform/u],
    ['an unknown login', { login: 'powershell' }, ['login'], /Known are: azure-cli/u],
    ['a malformed subscription', { 'subscription-id': 'prod' }, ['subscription-id'], /not a GUID/u],
    [
      'a boolean that is none',
      { 'allow-fork-pull-requests': 'maybe' },
      ['allow-fork-pull-requests'],
      /true or false/u,
    ],
    ['a negative time', { 'timeout-seconds': '-1' }, ['timeout-seconds'], /whole number from 1 to 3600/u],
    [
      'an alias in a cloud whose resources are not known',
      { 'authority-host': 'https://login.sovcloud-identity.fr', scopes: 'graph' },
      ['scopes', 'authority-host'],
      /France \(Bleu\).*full scope/u,
    ],
    [
      'no scope in a cloud whose resources are not known',
      { 'authority-host': 'https://login.sovcloud-identity.de' },
      ['scopes', 'authority-host'],
      /Germany \(Delos\).*full scope/u,
    ],
    [
      'Terraform in a cloud it has no name for',
      {
        'authority-host': 'https://login.sovcloud-identity.fr',
        scopes: 'https://a.example',
        export: 'terraform',
      },
      ['export', 'authority-host'],
      /France \(Bleu\)/u,
    ],
    [
      'a sign-in of az at another host',
      { 'authority-host': 'https://login.example.com', login: 'azure-cli' },
      ['login', 'authority-host'],
      /Leave authority-host out/u,
    ],
  ];

/** Inputs are named as the host's users write them, in the advice as in the label. */
function inWordsOf({ spell }: HostUnderTest, { source }: RegExp): RegExp {
  return new RegExp(
    inputNames.reduce(
      (text, name) => text.replaceAll(new RegExp(`\\b${name}\\b`, 'gu'), spell(name)),
      source,
    ),
    'u',
  );
}

describe.each(oneOfEach)('$title', (host) => {
  test.each(cases)('%s', async (_, change, named, right) => {
    azure.clearRequests();
    const outcome = await runStepOn(host, azure, { ...goodInputs, ...change });
    expect(outcome.succeeded).toBe(false);
    expect(outcome.errors).toHaveLength(1);
    const [message = ''] = outcome.errors;
    const spelled = named.map((name) => host.spell(name));
    const label =
      spelled.length === 1
        ? `Input ${spelled[0]}: `
        : `Inputs ${spelled.slice(0, -1).join(', ')} and ${spelled.at(-1)}: `;
    expect(message.startsWith(label)).toBe(true);
    expect(message).toMatch(inWordsOf(host, right));
    expect(outcome.log).not.toMatch(/\n\s+at /u);
    expect(azure.requests).toEqual([]);
    expect({ ...outcome.outputs, ...outcome.variables }).toEqual({});
    expect(outcome.transcript.exitCode).toBe(host.kind === 'github' ? 1 : 0);
  });
});
