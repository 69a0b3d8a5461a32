import { describe, expect, test } from '@jest/globals';
import { type CloudName, cloudNames, clouds } from '../../src/azure/clouds.ts';
import { InputError } from '../../src/inputs/errors.ts';
import { readStepRequest, type StepRequest } from '../../src/inputs/read.ts';

const id = '11111111-2222-3333-4444-555555555555';
const request = (scopes: string, more: Readonly<Record<string, string>> = {}): StepRequest => {
  const inputs: Readonly<Record<string, string>> = {
    'client-id': id,
    'tenant-id': id,
    'managed-identity-client-id': id,
    scopes,
    ...more,
  };
  return readStepRequest((name) => inputs[name] ?? '');
};
const errorOf = (...given: Parameters<typeof request>): InputError => {
  try {
    request(...given);
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
  throw new Error(`accepted: ${given[0]}`);
};

const scope = 'https://containerregistry.azure.net/.default';

describe('a registry', () => {
  test.each([
    ['acr:contoso.azurecr.io', 'contoso.azurecr.io'],
    ['acr:contoso-a1b2c3d4e5f6g7h8.azurecr.io', 'contoso-a1b2c3d4e5f6g7h8.azurecr.io'],
    ['acr:contoso.westeurope.geo.azurecr.io', 'contoso.westeurope.geo.azurecr.io'],
    ['ACR:Contoso.AzureCR.io', 'contoso.azurecr.io'],
    ['acr:12345.azurecr.io', '12345.azurecr.io'],
    [`acr:${'a'.repeat(50)}.azurecr.io`, `${'a'.repeat(50)}.azurecr.io`],
  ])('%s', (written, loginServer) => {
    expect(request(`P = ${written}`)).toMatchObject({
      scopes: [],
      registries: [{ loginServer, scope }],
      published: [{ name: 'P', written, registry: loginServer }],
    });
  });

  test('written twice is asked once, beside other scopes', () => {
    const { scopes, registries, published } = request(
      'A = acr:contoso.azurecr.io\nB = acr:CONTOSO.azurecr.io\narm\nacr:fabrikam.azurecr.io',
    );
    expect(scopes).toEqual(['https://management.azure.com/.default']);
    expect(registries.map(({ loginServer }) => loginServer)).toEqual([
      'contoso.azurecr.io',
      'fabrikam.azurecr.io',
    ]);
    expect(published).toHaveLength(4);
  });

  test('the app’s own token for registries can be wanted too', () => {
    expect(request('acr:contoso.azurecr.io\ncontainer-registry')).toMatchObject({
      scopes: [scope],
      registries: [{ loginServer: 'contoso.azurecr.io', scope }],
    });
  });

  test('a name that `export` or the host uses is reserved for it, too', () => {
    expect(errorOf('PATH = acr:contoso.azurecr.io').message).toContain('the name PATH is reserved');
  });
});

describe('the app’s token would go to what only looks like a registry', () => {
  test.each([
    'acr:',
    'acr:contoso',
    'acr:azurecr.io',
    'acr:.azurecr.io',
    'acr:contoso.azurecr.io.example.com',
    'acr:contoso.azurecr.io.',
    'acr:contoso.azurecr.io/',
    'acr:contoso.azurecr.io/app',
    'acr:contoso.azurecr.io:443',
    'acr:contoso.azurecr.io?x',
    'acr:contoso.azurecr.io#x',
    'acr:https://contoso.azurecr.io',
    'acr://contoso.azurecr.io',
    'acr:user@contoso.azurecr.io',
    'acr:example.com/.azurecr.io',
    'acr:example.com#.azurecr.io',
    'acr:contosoazurecr.io',
    'acr:contoso.azurecr.com',
    'acr:contoso.evil.azurecr.io',
    'acr:contoso.geo.azurecr.io',
    'acr:contoso.westeurope.data.azurecr.io',
    'acr:contoso.west-europe.geo.azurecr.io',
    'acr:contoso-hash.westeurope.geo.azurecr.io',
    'acr:contoso-.azurecr.io',
    'acr:contoso-hash-more.azurecr.io',
    'acr:-contoso.azurecr.io',
    'acr:cont.azurecr.io',
    `acr:${'a'.repeat(51)}.azurecr.io`,
    'acr:con_toso.azurecr.io',
    'acr:cöntoso.azurecr.io',
    // U+212A: its lower case is the letter k.
    'acr:contos\u212a.azurecr.io',
    'acr:contoso%2eazurecr.io',
    'acr:*.azurecr.io',
  ])('%s', (written) => {
    const { detail } = errorOf(`P = ${written}`);
    expect(detail.inputs).toEqual(['scopes']);
    expect(detail.problem).toContain('does not name a container registry.');
    expect(detail.expected).toContain('acr:contoso.azurecr.io');
  });

  test('a long text that may be a secret is not shown', () => {
    const secret = 'S'.repeat(60);
    expect(errorOf(`acr:${secret}`).message).not.toContain('SSSS');
  });
});

describe.each(cloudNames)('cloud %s', (cloud) => {
  const others = cloudNames.filter((name) => name !== cloud);

  test('its registries', () => {
    const loginServer = `contoso${clouds[cloud].registrySuffix}`;
    expect(request(`acr:${loginServer}`, { cloud }).registries).toEqual([{ loginServer, scope }]);
  });

  test.each(others)('no registries of the cloud %s', (other: CloudName) => {
    const { detail } = errorOf(`acr:contoso${clouds[other].registrySuffix}`, { cloud });
    expect(detail.inputs).toEqual(['scopes', 'cloud']);
    expect(detail.problem).toContain(
      `is a container registry of the cloud ${other}, and this step uses the cloud ${cloud}.`,
    );
    expect(detail.expected).toContain(`Set {input:cloud} to ${other}`);
  });
});

test('registries of a cloud without a preset are not known', () => {
  const { detail } = errorOf('acr:contoso.azurecr.io', {
    'authority-host': 'https://login.sovcloud-identity.fr',
  });
  expect(detail.inputs).toEqual(['scopes', 'authority-host']);
  expect(detail.problem).toContain('France (Bleu), are not known.');
});
