import { describe, expect, test } from '@jest/globals';
import { clientIds, identities, tenantIds } from '../../emulator/default-world.ts';
import type { AppToken, Exchanged } from '../../src/exchange/request.ts';
import { tokenPublications } from '../../src/handover/tokens.ts';
import type { ToolHandover } from '../../src/handover/tools.ts';
import { readStepRequest, type StepRequest } from '../../src/inputs/read.ts';
import {
  describeEarlyExpiry,
  describePodSession,
  describeReplacedTokens,
  describeSuccess,
  describeTools,
} from '../../src/messages/success.ts';
import { assertion, inputs, labelledHosts } from './message-context.ts';

const expiresOn = new Date('2099-01-02T03:04:05.678Z');
const arm = 'https://management.azure.com/.default';
const graph = 'https://graph.microsoft.com/.default';

function requestFor(given: Readonly<Record<string, string>>): StepRequest {
  const all: Readonly<Record<string, string>> = { ...inputs, ...given };
  return readStepRequest((name) => all[name] ?? '');
}

function exchangedFor({ scopes, registries }: StepRequest, tenantId?: string): Exchanged {
  return {
    assertion: { token: 'assertion', expiresOn, claims: assertion },
    tokens: new Map(scopes.map((scope) => [scope, { token: `token for ${scope}`, expiresOn }])),
    registryTokens: new Map(
      registries.map(({ loginServer }) => [loginServer, { token: `token for ${loginServer}`, expiresOn }]),
    ),
    ...(tenantId !== undefined && { tenantId }),
  };
}

describe.each(labelledHosts)('$title', (host) => {
  const success = (given: Readonly<Record<string, string>>, tenantId?: string): string => {
    const request = requestFor(given);
    return describeSuccess(request, exchangedFor(request, tenantId), host.inputLabel);
  };

  test('every use of a repeated scope is named', () => {
    const text = success({ scopes: 'arm\nA_T = arm\nB_T = https://management.azure.com\nG = graph' });
    const [first, all] = [host.inputLabel('access-token'), host.inputLabel('access-tokens')];
    const lines = text.split('\n');
    expect(lines.find((line) => line.includes(arm))).toMatch(
      new RegExp(
        `^ {2}token for ${arm}, valid until 2099-01-02T03:04:05Z \\(in [^)]+\\); handed over as ${first}, ${all}\\["arm"\\], A_T, B_T$`,
        'u',
      ),
    );
    expect(lines.find((line) => line.includes(graph))).toMatch(/; handed over as G$/u);
  });

  test('a registry’s token is listed once, with every use; its app token is not', () => {
    const text = success({
      scopes: 'P = acr:contoso.azurecr.io\nQ = acr:CONTOSO.azurecr.io\nacr:fabrikam.azurecr.io',
    });
    const [first, all] = [host.inputLabel('access-token'), host.inputLabel('access-tokens')];
    const tokens = text.split('\n').filter((line) => line.startsWith('  token for '));
    expect(tokens).toEqual([
      expect.stringMatching(
        new RegExp(
          `^ {2}token for registry contoso\\.azurecr\\.io, valid until 2099-01-02T03:04:05Z \\(in [^)]+\\); handed over as ${first}, P, Q$`,
          'u',
        ),
      ),
      expect.stringMatching(
        new RegExp(
          `^ {2}token for registry fabrikam\\.azurecr\\.io, valid until .+; handed over as ${all}\\["acr:fabrikam\\.azurecr\\.io"\\]$`,
          'u',
        ),
      ),
    ]);
  });

  test('who became whom, with the identity’s other IDs', () => {
    expect(success({})).toContain(
      `Managed identity ${inputs['managed-identity-client-id']} (principal ID ${identities.runner.objectId}) became app ${clientIds.deployer} in tenant ${tenantIds.contoso}:`,
    );
    const given = {
      'managed-identity-client-id': '',
      'managed-identity-object-id': identities.runner.objectId,
    };
    expect(success({ ...given, 'tenant-id': 'contoso.onmicrosoft.com' }, tenantIds.contoso)).toContain(
      `(client ID ${identities.runner.clientId}) became app ${clientIds.deployer} in tenant contoso.onmicrosoft.com (${tenantIds.contoso}):`,
    );
  });

  test('an exchange that only checks the trust says so, and where the assertion is', () => {
    expect(success({ export: 'azure-sdk' })).toMatch(
      /; requested only to check the trust, not handed over\n {2}assertion \(the identity’s own token\), in a private file, valid/u,
    );
    expect(success({ login: 'azure-cli' })).toContain('in a private file');
    expect(success({})).toContain('kept in memory only');
  });
});

test('a replaced token is announced, each on a line of its own', () => {
  expect(describeReplacedTokens(['A', 'B'])).toBe(
    'A had another value in this job. The new token replaces it.\nB had another value in this job. The new token replaces it.',
  );
});

test('what the tools received, what was replaced and what stays', () => {
  const request = requestFor({
    export: 'azure-sdk',
    login: 'azure-cli',
    'subscription-id': '50b5c217-0000-4000-8000-00000000aa02',
  });
  const handover: ToolHandover = {
    variables: [
      { tool: 'azure-sdk', name: 'AZURE_CLIENT_ID', value: 'x' },
      { tool: 'azure-sdk', name: 'AZURE_TENANT_ID', value: 'x' },
      { tool: 'azure-cli', name: 'AZURE_CONFIG_DIR', value: 'x' },
    ],
    replaced: ['AZURE_CLIENT_ID'],
    kept: ['ARM_SUBSCRIPTION_ID'],
    expiresOn,
    expiresSoon: false,
    endsWithProjectedToken: false,
    emptied: [],
    publications: [],
  };
  const lines = describeTools(request, handover).split('\n');
  expect(lines[0]).toMatch(/^For the later steps of this job, until 2099-01-02T03:04:05Z/u);
  expect(lines.slice(1)).toEqual([
    `  azure-sdk acts as app ${clientIds.deployer} through AZURE_CLIENT_ID, AZURE_TENANT_ID`,
    `  azure-cli is signed in as app ${clientIds.deployer}, subscription 50b5c217-0000-4000-8000-00000000aa02, in a directory of this job only (AZURE_CONFIG_DIR)`,
    '  AZURE_CLIENT_ID had another value in this job. The new value replaces it',
    '  ARM_SUBSCRIPTION_ID keeps its value in this job, because no subscription was given here',
    'The file with the identity’s token and the sign-in is removed when the job ends.',
  ]);
  expect(describeEarlyExpiry(handover)).toMatch(
    /^The tools’ credentials expire early, at 2099-01-02T03:04:05Z .*Run this step again/u,
  );
});

describe('with a pod’s token', () => {
  const path = '/var/run/secrets/azure/tokens/azure-identity-token';
  const tools = (given: Readonly<Record<string, string>>): readonly string[] =>
    describeTools(requestFor({ 'managed-identity-client-id': '', 'federated-token-file': path, ...given }), {
      variables: [],
      replaced: [],
      kept: [],
      expiresOn,
      expiresSoon: false,
      endsWithProjectedToken: false,
      emptied: [],
      publications: [],
    }).split('\n');

  test('tools read the pod’s file, whatever is in it then, and nothing is removed', () => {
    const lines = tools({ export: 'azure-sdk' });
    expect(lines[0]).toBe(
      `For the later steps of this job, with the token that the pod has at that time in ${path}:`,
    );
    expect(lines.at(-1)).toBe('There is nothing to remove when the job ends: the step wrote no file.');
  });

  test('a sign-in is removed', () => {
    expect(tools({ login: 'git' }).at(-1)).toBe('The sign-in is removed when the job ends.');
  });

  test('the end of az’s session is a moment', () => {
    const handover = { expiresOn } as ToolHandover;
    expect(describePodSession(handover)).toMatch(/only until 2099-01-02T03:04:05Z \(in [^)]+\), when/u);
  });
});

describe('outputs', () => {
  const token = (written: string, name: string | undefined, seconds: number) => ({
    token: `token of ${written}`,
    written,
    ...(name !== undefined && { name }),
    expiresOn: new Date(Date.UTC(2099, 0, 2, 3, 4, seconds, 999)),
  });
  const values = Object.fromEntries(
    tokenPublications([token('graph', 'G', 30), token('arm', undefined, 10), token('storage', 'S', 20)]).map(
      ({ name, value, secrecy }) => [name, { value, secrecy }],
    ),
  );

  test('access-token is the first line’s token', () => {
    expect(values['access-token']).toEqual({ value: 'token of graph', secrecy: 'secret' });
  });

  test('access-tokens has each token by its name, or by its scope as written', () => {
    expect(JSON.parse(values['access-tokens']?.value ?? '')).toEqual({
      G: 'token of graph',
      arm: 'token of arm',
      S: 'token of storage',
    });
    expect(values['access-tokens']?.secrecy).toBe('secret');
  });

  test('expires-on is the earliest expiry, to the second, in UTC', () => {
    expect(values['expires-on']).toEqual({ value: '2099-01-02T03:04:10Z', secrecy: 'plain' });
  });

  test('named tokens are secret variables', () => {
    expect(values['G']).toEqual({ value: 'token of graph', secrecy: 'secret' });
    expect(values['S']).toEqual({ value: 'token of storage', secrecy: 'secret' });
  });
});

describe('the line about who became whom', () => {
  const [host = { title: '', inputLabel: (name: string) => name }] = labelledHosts;
  const firstLine = (
    given: Readonly<Record<string, string>>,
    claims: Exchanged['assertion']['claims'],
    tenantId?: string,
  ): string | undefined => {
    const request = requestFor(given);
    const { tokens } = exchangedFor(request);
    const exchanged = {
      assertion: { token: 'assertion', expiresOn, claims },
      tokens,
      registryTokens: new Map<string, AppToken>(),
      ...(tenantId !== undefined && { tenantId }),
    };
    return describeSuccess(request, exchanged, host.inputLabel).split('\n')[0];
  };
  const end = `became app ${clientIds.deployer} in tenant ${tenantIds.contoso}:`;

  test('an assertion without other IDs', () => {
    expect(firstLine({}, {})).toBe(`Managed identity ${inputs['managed-identity-client-id']} ${end}`);
  });

  test('an identity by its object ID, in a token that does not name its client ID', () => {
    const given = {
      'managed-identity-client-id': '',
      'managed-identity-object-id': identities.runner.objectId,
    };
    expect(firstLine(given, { subject: identities.runner.objectId })).toBe(
      `Managed identity ${identities.runner.objectId} ${end}`,
    );
  });

  test('an identity by its resource ID has both other IDs', () => {
    const id =
      '/subscriptions/50b5c217-0000-4000-8000-00000000aa02/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/runner';
    const given = { 'managed-identity-client-id': '', 'managed-identity-resource-id': id };
    expect(firstLine(given, { clientId: 'client', subject: 'principal' })).toBe(
      `Managed identity ${id} (client ID client, principal ID principal) ${end}`,
    );
  });

  test('the tenant’s GUID is not repeated if the input is that GUID', () => {
    expect(firstLine({}, {}, tenantIds.contoso)).toBe(
      `Managed identity ${inputs['managed-identity-client-id']} ${end}`,
    );
  });
});

describe('the lines about tools', () => {
  const handover: ToolHandover = {
    variables: [{ tool: 'azure-cli', name: 'AZURE_CONFIG_DIR', value: 'x' }],
    replaced: [],
    kept: [],
    expiresOn,
    expiresSoon: false,
    endsWithProjectedToken: false,
    emptied: [],
    publications: [],
  };

  test('a sign-in without a subscription', () => {
    const lines = describeTools(requestFor({ login: 'azure-cli' }), handover)
      .split('\n')
      .slice(1);
    expect(lines).toEqual([
      `  azure-cli is signed in as app ${clientIds.deployer}, in a directory of this job only (AZURE_CONFIG_DIR)`,
      'The file with the identity’s token and the sign-in is removed when the job ends.',
    ]);
  });

  test('variables without a sign-in', () => {
    const text = describeTools(requestFor({ export: 'terraform' }), handover);
    expect(text.split('\n').at(-1)).toBe('The file with the identity’s token is removed when the job ends.');
  });

  test('with a sign-in alone, and with one beside `export`, the assertion is in a file', () => {
    const [host = { title: '', inputLabel: (name: string) => name }] = labelledHosts;
    for (const given of [{ login: 'azure-cli' }, { login: 'azure-cli', export: 'terraform' }]) {
      const request = requestFor(given);
      expect(describeSuccess(request, exchangedFor(request), host.inputLabel)).toContain('in a private file');
    }
  });
});
