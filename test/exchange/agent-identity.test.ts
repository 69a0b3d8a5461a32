import { expect, test } from '@jest/globals';
import { agentIdentityIds, clientIds, tenantIds } from '../../emulator/default-world.ts';
import { agentSubject } from '../../emulator/tokens.ts';
import { agentIdentityIn, blueprintClient, tokenClient } from '../../src/exchange/agent-identity.ts';
import type { ExchangeRequest } from '../../src/exchange/request.ts';

const { triage, elsewhere } = agentIdentityIds;
const { blueprint } = clientIds;
const subject = agentSubject('public', tenantIds.contoso, blueprint, triage);

test('the agent identity in the subject of a blueprint’s token, in every cloud', () => {
  expect(agentIdentityIn(subject)).toBe(triage);
  expect(agentIdentityIn(subject.replace(triage, triage.toUpperCase()))).toBe(triage);
  expect(agentIdentityIn(agentSubject('usgovernment', tenantIds.contoso, blueprint, triage))).toBe(triage);
});

test.each([
  ['none', undefined],
  ['an object ID', triage],
  ['another version', subject.replace('/eid1/', '/eid2/')],
  ['more after it', `${subject}/more`],
  ['something before it', `x${subject}`],
  ['a name in place of the ID', subject.replace(triage, 'triage-agent')],
  ['a short tenant', subject.replace(/\/t\/[^/]+/u, '/t/abc')],
  ['a very long one', `${subject}${'/'.repeat(100_000)}`],
])('another form is not read: %s', (_, text) => {
  expect(agentIdentityIn(text)).toBeUndefined();
});

test('a blueprint’s token is refused only if it names another agent identity', () => {
  const mismatch = (claims: Record<string, unknown> | undefined) =>
    blueprintClient(blueprint, triage).mismatch?.(claims);
  expect(mismatch({ sub: subject })).toBeUndefined();
  expect(mismatch({ sub: 'new form' })).toBeUndefined();
  expect(mismatch(undefined)).toBeUndefined();
  const other = agentSubject('public', tenantIds.contoso, blueprint, elsewhere);
  expect(mismatch({ sub: other })).toEqual({ reason: 'other-agent-identity', found: elsewhere });
});

test('an agent identity’s token is refused only if it names another blueprint', () => {
  const request = { clientId: blueprint, agentIdentityId: triage } as ExchangeRequest;
  const { mismatch, ...client } = tokenClient(request);
  expect(client).toEqual({ actor: 'agent-identity', clientId: triage });
  expect(mismatch?.({ xms_par_app_azp: blueprint.toUpperCase() })).toBeUndefined();
  expect(mismatch?.({})).toBeUndefined();
  expect(mismatch?.({ xms_par_app_azp: clientIds.otherBlueprint })).toEqual({
    reason: 'other-blueprint',
    found: clientIds.otherBlueprint,
  });
});

test('without an agent identity the app itself asks, and nothing more is compared', () => {
  expect(tokenClient({ clientId: blueprint } as ExchangeRequest)).toEqual({
    actor: 'app',
    clientId: blueprint,
  });
});
