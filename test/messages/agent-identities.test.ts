import { describe, expect, test } from '@jest/globals';
import { agentIdentityIds, clientIds, identities, tenantIds } from '../../emulator/default-world.ts';
import { agentIdentityCodeRow, agentIdentityCodes } from '../../src/exchange/agent-identity-codes.ts';
import { ExchangeError } from '../../src/exchange/errors.ts';
import { HandoverError } from '../../src/handover/errors.ts';
import { describeFailure } from '../../src/messages/failures.ts';
import { debugClaims, describeTrustRetry } from '../../src/messages/progress.ts';
import { describeAgentIdentitySession } from '../../src/messages/success.ts';
import {
  assertion,
  callsByBash,
  causeAndFix,
  commandsIn,
  contextFor,
  describeRequest,
  entraFailure,
  everything,
  expectWellFormed,
  failureOf,
  labelledHosts,
} from './message-context.ts';

const { triage } = agentIdentityIds;
const { blueprint } = clientIds;
const given = { 'client-id': blueprint, 'agent-identity-id': triage };

/** What a user must learn, written down a second time: a row that changes its meaning fails. */
const expected = [
  [
    'blueprint',
    '70021 700211 700212 700213 70025',
    /Blueprint d3b10700\S+17 has no federated identity credential that matches the managed identity’s token/u,
    /command below/u,
  ],
  [
    'blueprint',
    '700016 7000229 650059 50194 50020',
    /single-tenant/u,
    /Set tenant-?id to the tenant of agent identity a9e17000/iu,
  ],
  [
    'agent-identity',
    '70021 700211 700212 700213 70025',
    /child of another blueprint, or d3b10700\S+17 is a plain app/u,
    /Set client-?id to the blueprint/iu,
  ],
  [
    'agent-identity',
    '700016 7000229',
    /Agent identity a9e17000\S+01 does not exist/u,
    /Set agent-?identity-?id/iu,
  ],
  ['agent-identity', '7000112 7000111', /Agent identity a9e17000\S+01 is disabled/u, /--id a9e17000/u],
  ['agent-identity', '501051', /requires agent identity a9e17000/u, /to the agent identity itself/u],
  ['agent-identity', '53003 530032 530035', /Conditional Access/u, /exclude the agent identity/u],
] as const;
const cases = expected.flatMap(([actor, codes, cause, fix]) =>
  codes.split(' ').map((code) => ({ actor, code, cause, fix })),
);

test('every code of the table is expected here, once for each of the two requests', () => {
  const inTable = agentIdentityCodes.flatMap(({ actor, codes }) => codes.map((code) => `${actor} ${code}`));
  expect([...inTable].sort()).toEqual(cases.map(({ actor, code }) => `${actor} ${code}`).sort());
  expect(new Set(inTable).size).toBe(inTable.length);
});

test('the longest prefix decides, and a plain app has none of these rows', () => {
  expect(agentIdentityCodeRow(['7002138'], 'agent-identity')?.codes).toContain('700213');
  expect(agentIdentityCodeRow(['7002206'], 'agent-identity')).toBeUndefined();
  expect(agentIdentityCodeRow(['700213'], 'app')).toBeUndefined();
});

describe.each(labelledHosts)('$title', (host) => {
  test.each(cases)('$actor, AADSTS$code: cause and fix', ({ actor, code, cause, fix }) => {
    const text = describeRequest(entraFailure(code), contextFor(host, { given }), { actor });
    expectWellFormed(text, host);
    expect(everything(text)).not.toMatch(/<(agent|blueprint|agent-identity-id)>/u);
    expect(causeAndFix(text).cause).toMatch(cause);
    expect(causeAndFix(text).fix).toMatch(fix);
    expect(text.error).toContain(`AADSTS${code}`);
  });

  test('what an agent identity presents is its blueprint’s token', () => {
    const about = (actor: 'blueprint' | 'agent-identity'): string =>
      describeRequest(entraFailure('700024'), contextFor(host, { given }), { actor }).error;
    expect(about('agent-identity')).toContain('Cause: The blueprint’s token is not valid yet');
    expect(about('blueprint')).toContain('Cause: The managed identity’s token is not valid yet');
  });

  test('a failure of the machine or of a registry names whom it was for', () => {
    const context = contextFor(host, { given });
    expect(describeRequest(failureOf('registry', 401, {}), context).error).toMatch(
      new RegExp(`^Could not get a token from registry \\S+ as agent identity ${triage} in tenant`, 'u'),
    );
    expect(everything(describeRequest(failureOf('registry', 401, {}), context))).toContain(
      `az role assignment create --assignee ${triage}`,
    );
    expect(describeRequest(failureOf('identity', 400, { error: 'x' }), context).error).toContain(
      `Could not get a token for managed identity ${identities.runner.clientId}`,
    );
  });

  test('the file of an earlier step lived about an hour', () => {
    const detail = {
      kind: 'unusable-assertion-file',
      path: '/x',
      problem: 'expired',
      found: 'then',
    } as const;
    const about = (more: object): string =>
      describeFailure(new ExchangeError(detail), contextFor(host, more)).error;
    expect(about({ given })).toContain('It lives about an hour.');
    expect(about({})).toContain('It lives up to 24 hours.');
  });

  test('a subscription that az cannot see: the role is for the agent identity', () => {
    const end = { kind: 'failed', code: 1, words: 'The subscription doesn’t exist.' } as const;
    const problem = { program: 'az', stage: 'subscription', arguments: [], end, tries: 1, limit: 1 } as const;
    const context = contextFor(host, { given: { ...given, 'subscription-id': tenantIds.contoso } });
    const text = describeFailure(
      new HandoverError({ kind: 'sign-in-failed', tool: 'azure-cli', ...problem }),
      context,
    );
    expect(text.error).toContain(`Cause: Agent identity ${triage} cannot see this subscription.`);
    expect(text.error).toContain(
      `az role assignment create --assignee-object-id ${triage} --assignee-principal-type ServicePrincipal`,
    );
  });
});

describe('the trust of a blueprint', () => {
  const [host = { title: '', inputLabel: (name: string) => name }] = labelledHosts;
  const more = { actor: 'blueprint' } as const;
  const path = `/beta/applications/${blueprint}/microsoft.graph.agentIdentityBlueprint/federatedIdentityCredentials`;
  const credential = {
    issuer: assertion.issuer,
    subject: assertion.subject,
    audiences: ['api://AzureADTokenExchange'],
  };

  test('in bash, to correct the audience', () => {
    const text = describeRequest(entraFailure('700212'), contextFor(host, { given }), more);
    const [inner = [], outer = []] = callsByBash(commandsIn(text)[0] ?? '');
    expect(inner).toEqual([
      ...['rest', '--url', `https://graph.microsoft.com${path}`, '--query'],
      `value[?issuer==\`"${assertion.issuer}"\` && subject==\`"${assertion.subject}"\`].id`,
      ...['--output', 'tsv'],
    ]);
    expect(outer.slice(0, 5)).toEqual([
      'rest',
      '--method',
      'patch',
      '--url',
      `https://graph.microsoft.com${path}/inner-id`,
    ]);
    expect(JSON.parse(outer.at(-1) ?? '')).toEqual(credential);
  });

  test('in PowerShell, with the JSON through stdin', () => {
    const text = describeRequest(entraFailure('700213'), contextFor(host, { given, windows: true }), more);
    expect(commandsIn(text)).toEqual([
      `'${JSON.stringify({ name: 'managed-identity-0b1ec700', ...credential })}' |`,
      `az rest --method post --url https://graph.microsoft.com${path} --headers OData-Version=4.0 Content-Type=application/json --body '@-'`,
    ]);
  });

  test.each([
    ['usgovernment', 'https://graph.microsoft.us', 'https://login.microsoftonline.us'],
    ['china', 'https://microsoftgraph.chinacloudapi.cn', 'https://login.partner.microsoftonline.cn'],
  ])('in %s, Graph is %s', (cloud, graph, authority) => {
    const issuer = `${authority}/${tenantIds.fabrikam}/v2.0`;
    const context = contextFor(host, { given: { ...given, cloud } });
    for (const [code, actor] of [
      ['700213', 'blueprint'],
      ['700213', 'agent-identity'],
      ['700016', 'agent-identity'],
    ] as const) {
      const all = everything(
        describeRequest(entraFailure(code), context, { actor, assertion: { ...assertion, issuer } }),
      );
      expect(all).toContain(`${graph}/beta/`);
      expect(all).not.toContain('graph.microsoft.com');
    }
  });
});

test('while the step waits for a trust, it says which', () => {
  const line = (actor?: 'app' | 'blueprint' | 'agent-identity'): string =>
    describeTrustRetry({
      failure: entraFailure('700213'),
      reason: 'trust',
      tries: 1,
      wait: 1,
      announce: true,
      ...(actor && { actor }),
    });
  expect(line()).toBe(line('app'));
  expect(line('app')).toContain('the app has no matching federated identity credential. A new one can take');
  expect(line('blueprint')).toContain('the blueprint has no matching federated identity credential.');
  expect(line('agent-identity')).toContain(
    'the agent identity does not accept the blueprint’s token. A new agent identity can',
  );
});

test('debug lines say what could not be checked, and only that', () => {
  const none = new Set<string>();
  expect(debugClaims('agent-identity', { xms_par_app_azp: blueprint }, none)).toMatch(
    /\. It does not name the agent identity, so this was not checked$/u,
  );
  expect(debugClaims('agent-identity', { appid: triage, xms_par_app_azp: blueprint }, none)).not.toContain(
    'checked',
  );
  expect(debugClaims('blueprint', undefined, none)).toBe(
    'Claims of the blueprint’s token: not readable. Its subject has no known form, so the agent identity in it was not checked.',
  );
  expect(debugClaims('entra', undefined, none)).toBe('Claims of the app token: not readable.');
});

test('the warning names the tools whose sign-in ends', () => {
  const at = new Date('2030-01-02T03:04:05Z');
  expect(describeAgentIdentitySession(at, ['git'])).toMatch(
    /^git can .* before any step that uses it after/u,
  );
  expect(describeAgentIdentitySession(at, ['azure-cli', 'git'])).toMatch(
    /^The Azure CLI and git can .* before any step that uses them after/u,
  );
});
