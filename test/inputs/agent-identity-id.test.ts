import { expect, test } from '@jest/globals';
import { agentIdentityIds, clientIds } from '../../emulator/default-world.ts';
import { actingClientId } from '../../src/exchange/request.ts';
import { InputError } from '../../src/inputs/errors.ts';
import { readStepRequest } from '../../src/inputs/read.ts';
import { goodInputs } from '../scenarios/hosts-under-test.ts';

const read = (id: string) => {
  const inputs: Readonly<Record<string, string>> = {
    ...goodInputs,
    'client-id': clientIds.blueprint,
    'agent-identity-id': id,
  };
  return readStepRequest((name) => inputs[name] ?? '');
};
const refused = (id: string): InputError['detail'] | undefined => {
  try {
    read(id);
    return undefined;
  } catch (error) {
    if (error instanceof InputError) return error.detail;
    throw error;
  }
};

test('the tokens are for the agent identity, in lower case as Entra writes it', () => {
  const request = read(agentIdentityIds.triage.toUpperCase());
  expect(request).toMatchObject({ clientId: clientIds.blueprint, agentIdentityId: agentIdentityIds.triage });
  expect(actingClientId(request)).toBe(agentIdentityIds.triage);
});

test('without it the request has no such field, and the tokens are for the app', () => {
  const request = read('');
  expect(request).not.toHaveProperty('agentIdentityId');
  expect(actingClientId(request)).toBe(clientIds.blueprint);
});

test('what is not a GUID, and the blueprint’s own ID, are refused', () => {
  expect(refused('triage-agent')).toMatchObject({ inputs: ['agent-identity-id'] });
  expect(refused(clientIds.blueprint.toUpperCase())).toMatchObject({
    inputs: ['agent-identity-id', 'client-id'],
    problem: 'Both have the same value.',
  });
});
