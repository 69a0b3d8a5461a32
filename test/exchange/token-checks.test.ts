import { describe, expect, test } from '@jest/globals';
import type { ExchangeRequest, IdentitySelector } from '../../src/exchange/request.ts';
import { appTokenMismatch, assertionMismatch } from '../../src/exchange/token-checks.ts';

const app = 'd3b10700-2222-4000-8000-000000000001';
const tenant = 'c0470505-1111-4000-8000-000000000001';
const other = 'fab1c000-1111-4000-8000-000000000002';
const now = Date.UTC(2030, 0, 1);
const seconds = now / 1000;
const scope = 'https://management.azure.com/.default';
const request = (tenantId = tenant): ExchangeRequest => ({
  origin: { kind: 'token-file', path: '/x' },
  audience: 'api://AzureADTokenExchange',
  authorityHost: 'https://login.microsoftonline.com',
  tenantId,
  clientId: app,
  scopes: [scope],
  registries: [],
  timeBudget: 1,
  isOtherResource: (_, audience) => audience === 'https://graph.microsoft.com',
});

describe('a token of the app', () => {
  const v1 = {
    aud: 'https://management.azure.com',
    iss: `https://sts.windows.net/${tenant}/`,
    appid: app,
    tid: tenant,
  };
  const v2 = { aud: app, iss: `https://login.microsoftonline.com/${tenant}/v2.0`, azp: app, tid: tenant };
  test.each<[string, object | undefined]>([
    ['that cannot be read', undefined],
    ['without claims', {}],
    ['of version 1.0', { ...v1, exp: seconds + 3600 }],
    ['of version 2.0', { ...v2, exp: seconds + 3600 }],
    ['with IDs in capital letters', { ...v1, appid: app.toUpperCase(), tid: tenant.toUpperCase() }],
    ['whose issuer is no address', { ...v1, tid: undefined, iss: 'x' }],
    ['whose issuer names no tenant', { ...v1, tid: undefined, iss: 'https://sts.windows.net/' }],
    ['whose audience is a list', { ...v1, aud: ['https://graph.microsoft.com'] }],
    ['that ended less than five minutes ago', { ...v1, exp: seconds - 299 }],
    ['whose end is a text', { ...v1, exp: '1000' }],
  ])('%s is accepted', (_, claims) => {
    expect(appTokenMismatch(request(), scope, claims as Record<string, unknown>, now)).toBeUndefined();
  });

  test.each<[string, object, string, string]>([
    ['appid', { ...v1, appid: other }, 'other-app', other],
    ['azp', { ...v2, azp: other }, 'other-app', other],
    ['azp beside the right appid', { ...v1, azp: other }, 'other-app', other],
    ['an appid that is a list', { ...v1, appid: [app] }, 'other-app', JSON.stringify([app])],
    ['an appid that is empty', { ...v1, appid: '' }, 'other-app', ''],
    ['an azp that is null', { ...v2, azp: null }, 'other-app', 'null'],
    ['tid', { ...v1, tid: other }, 'other-tenant', other],
    ['a tid that is a list', { ...v1, tid: [tenant] }, 'other-tenant', JSON.stringify([tenant])],
    ['a tid that is no GUID', { ...v1, tid: 'contoso' }, 'other-tenant', 'contoso'],
    [
      'the issuer, without tid',
      { iss: `https://sts.windows.net/${other}/`, appid: app },
      'other-tenant',
      other,
    ],
    ['aud', { ...v1, aud: 'https://graph.microsoft.com' }, 'other-resource', 'https://graph.microsoft.com'],
    ['an end in 1970', { ...v1, exp: 1000 }, 'expired', '1970-01-01T00:16:40.000Z'],
    [
      'an end more than five minutes ago',
      { ...v1, exp: seconds - 301 },
      'expired',
      '2029-12-31T23:54:59.000Z',
    ],
    ['an end that is no date', { ...v1, exp: -1e300 }, 'expired', '-1e+300'],
  ])('that is another one by %s is refused', (_, claims, reason, found) => {
    expect(appTokenMismatch(request(), scope, claims as Record<string, unknown>, now)).toEqual({
      reason,
      found,
    });
  });

  test('a domain name can be any tenant, but tid must be a text', () => {
    const judge = (claims: object) =>
      appTokenMismatch(request('contoso.example'), scope, { ...v1, ...claims }, now);
    expect(judge({ tid: other })).toBeUndefined();
    expect(judge({ tid: [other] })).toMatchObject({ reason: 'other-tenant' });
  });

  test('without a table of resources the audience is not judged', () => {
    const { isOtherResource: _, ...rest } = request();
    expect(appTokenMismatch(rest, scope, { ...v1, aud: 'https://graph.microsoft.com' }, now)).toBeUndefined();
  });
});

describe('an assertion', () => {
  const resource =
    '/subscriptions/11111111-2222-4000-8000-000000000001/resourcegroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/runner';
  const claims = { azp: app, oid: tenant, sub: tenant, xms_mirid: resource, exp: seconds + 60 };
  const by = (kind: IdentitySelector['kind'], value: string): IdentitySelector => ({ kind, value });

  test.each([
    by('client-id', app),
    by('object-id', tenant),
    by('resource-id', resource),
    by('resource-id', resource.toUpperCase()),
  ])('of the selected identity is accepted: $kind $value', (identity) => {
    expect(assertionMismatch(identity, claims, now)).toBeUndefined();
    expect(assertionMismatch(identity, {}, now)).toBeUndefined();
    expect(assertionMismatch(identity, undefined, now)).toBeUndefined();
    expect(assertionMismatch(identity, { ...claims, exp: 1 }, now)).toMatchObject({ reason: 'expired' });
  });

  test.each<[IdentitySelector, object, string]>([
    [by('client-id', app), { azp: other }, other],
    [by('client-id', app), { azp: undefined, appid: other }, other],
    [by('client-id', app), { azp: [app] }, JSON.stringify([app])],
    [by('object-id', tenant), { oid: other }, other],
    [by('object-id', tenant), { sub: other }, other],
    [by('resource-id', resource), { xms_mirid: `${resource}2` }, `${resource}2`],
  ])('of another identity than %j is refused: %j', (identity, more, found) => {
    const reason = 'other-identity';
    expect(assertionMismatch(identity, { ...claims, ...more }, now)).toEqual({ reason, found });
  });

  test('what another selector would compare is not judged', () => {
    expect(
      assertionMismatch(by('client-id', app), { ...claims, oid: other, xms_mirid: 'x' }, now),
    ).toBeUndefined();
  });
});
