import { describe, expect, test } from '@jest/globals';
import type { RequestFailure } from '../../src/exchange/errors.ts';
import type { MessageContext } from '../../src/messages/explanation.ts';
import { fill, runValues } from '../../src/messages/templates.ts';
import { contextFor, labelledHosts } from './message-context.ts';

const [github, agent] = labelledHosts;
if (github === undefined || agent === undefined) throw new Error('no host');

describe('a template', () => {
  test('has names as the host writes them, and the run’s own values', () => {
    const template = 'Set {input:client-id} of {app}, read {output:access-token}, keep {unknown} and {}.';
    expect(fill(template, { app: 'the-app' }, agent.inputLabel)).toBe(
      'Set clientId of the-app, read accessToken, keep {unknown} and {}.',
    );
  });

  test('fills each place once: a value with braces is not a template', () => {
    expect(fill('{a}{a}', { a: '{b}', b: 'x' }, github.inputLabel)).toBe('{b}{b}');
  });
});

const claims = { issuer: 'https://issuer', tenantId: 'home' };
const failure: RequestFailure = { leg: 'entra', host: 'entra.example', kind: 'timed-out', limit: 1 };
const given = {
  'client-id': '11111111-2222-3333-4444-555555555555',
  'tenant-id': 'contoso.com',
  'managed-identity-client-id': '99999999-2222-3333-4444-555555555555',
};
const note = [
  '  (Run it in the identity’s subscription. If the inner command finds nothing, the ID is wrong. A scale set with',
  '  manual upgrades also needs az vmss update-instances.)',
];

describe('the values of a run', () => {
  test('with everything known', () => {
    const id = '99999999-2222-3333-4444-555555555555';
    const inner = `az identity list --query "[?clientId=='${id}' || principalId=='${id}'].id" --output tsv`;
    expect(runValues(contextFor(github, { given }), claims, { ...failure, scope: 'the-scope' })).toEqual({
      app: '11111111-2222-3333-4444-555555555555',
      blueprint: '11111111-2222-3333-4444-555555555555',
      agent: '<agent-identity-id>',
      graph: 'https://graph.microsoft.com',
      assertion: 'managed identity’s token',
      found: '',
      registry: 'entra.example',
      registryName: 'entra',
      tenant: 'contoso.com',
      scope: 'the-scope',
      authority: 'entra.example',
      proxy: '<proxy>',
      proxySetting: 'HTTPS_PROXY',
      issuer: 'https://issuer',
      identity: `Managed identity ${id}`,
      identityTenant: 'home',
      clockCommand: 'timedatectl status',
      assign: [
        `  az vm identity assign --resource-group <group> --name <machine> --identities "$(${inner})"`,
        `  az vmss identity assign --resource-group <group> --name <scale set> --identities "$(${inner})"`,
        ...note,
      ].join('\n'),
    });
  });

  test('on Windows, with an identity by its resource ID, which needs no look-up', () => {
    const id = `/subscriptions/${given['client-id']}/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/abc`;
    const context = contextFor(github, {
      given: { ...given, 'managed-identity-client-id': '', 'managed-identity-resource-id': id },
      windows: true,
    });
    const values = runValues(context, claims, failure);
    expect(values['clockCommand']).toBe('w32tm /query /status');
    expect(values['assign']?.split('\n')).toEqual([
      `  az vm identity assign --resource-group <group> --name <machine> --identities ${id}`,
      `  az vmss identity assign --resource-group <group> --name <scale set> --identities ${id}`,
      ...note,
    ]);
  });

  test('on Windows, PowerShell takes the inner command without quotes around the whole', () => {
    const id = '99999999-2222-3333-4444-555555555555';
    const values = runValues(contextFor(github, { given, windows: true }), claims, failure);
    expect(values['assign']?.split('\n')[0]).toBe(
      `  az vm identity assign --resource-group <group> --name <machine> --identities $(az identity list --query "[?clientId=='${id}' || principalId=='${id}'].id" --output tsv)`,
    );
  });

  test('a failure through a proxy names the proxy and its setting', () => {
    const proxy = { host: 'proxy.example:8080', setting: 'the agent’s proxy' };
    const values = runValues(contextFor(github), claims, { ...failure, proxy });
    expect([values['proxy'], values['proxySetting']]).toEqual(['proxy.example:8080', 'the agent’s proxy']);
    const none = runValues(contextFor(github), claims, { ...failure, proxy: undefined } as never);
    expect([none['proxy'], none['proxySetting']]).toEqual(['<proxy>', 'HTTPS_PROXY']);
  });

  test('a claim is cut, and a secret in it is hidden', () => {
    const context = contextFor(github, { secrets: ['hush-hush'] });
    const values = runValues(context, { issuer: 'a hush-hush', tenantId: 'x '.repeat(150) }, failure);
    expect(values['issuer']).toBe('a ***');
    expect(values['identityTenant']).toHaveLength(200);
  });

  test('with nothing known, placeholders show what to fill in', () => {
    const context: MessageContext = { inputLabel: github.inputLabel, secrets: new Set() };
    const inner = `az identity list --query "[?clientId=='<ID>' || principalId=='<ID>'].id" --output tsv`;
    expect(runValues(context, undefined, failure)).toEqual({
      app: '<client-id>',
      blueprint: '<client-id>',
      agent: '<agent-identity-id>',
      graph: 'https://graph.microsoft.com',
      assertion: 'managed identity’s token',
      found: '',
      registry: 'entra.example',
      registryName: 'entra',
      tenant: '<tenant-id>',
      scope: '<scope>',
      authority: 'entra.example',
      proxy: '<proxy>',
      proxySetting: 'HTTPS_PROXY',
      issuer: '<issuer>',
      identity: 'Managed identity <identity>',
      identityTenant: '<the identity’s tenant>',
      clockCommand: 'timedatectl status',
      assign: [
        `  az vm identity assign --resource-group <group> --name <machine> --identities "$(${inner})"`,
        `  az vmss identity assign --resource-group <group> --name <scale set> --identities "$(${inner})"`,
        ...note,
      ].join('\n'),
    });
  });
});
