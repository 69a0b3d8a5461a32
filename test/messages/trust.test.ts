import { describe, expect, test } from '@jest/globals';
import { clientIds, identities, tenantIds } from '../../emulator/default-world.ts';
import { diagnoseTrust } from '../../src/messages/trust.ts';
import {
  assertion,
  callsByBash,
  commandsIn,
  contextFor,
  describeRequest,
  entraFailure,
  everything,
  expectWellFormed,
  labelledHosts,
} from './message-context.ts';

const app = clientIds.deployer;
const audiences = ['api://AzureADTokenExchange'];
const credential = { issuer: assertion.issuer, subject: assertion.subject, audiences };

describe.each(labelledHosts)('$title', (host) => {
  test('the values come from the assertion, not from the inputs: the tenant is a domain and another one', () => {
    const context = contextFor(host, { given: { 'tenant-id': 'contoso.onmicrosoft.com' } });
    const text = describeRequest(entraFailure('700213'), context);
    expectWellFormed(text, host);
    const all = everything(text);
    expect(all).toContain('in tenant contoso.onmicrosoft.com');
    expect(all).toContain(`issuer    https://login.microsoftonline.com/${tenantIds.fabrikam}/v2.0`);
    expect(all).toContain(
      `subject   ${identities.runner.objectId}  (the identity’s object ID, not its client ID)`,
    );
    expect(all).toContain('audience  api://AzureADTokenExchange  (the token shows it as fb60f99c-');
    expect(all).toContain(`Sign in to tenant ${tenantIds.fabrikam} and create the credential (in bash):`);
  });

  test.each(['70025', '700211', '700213', '700227'])(
    'AADSTS%s: bash reads the command that creates the trust',
    (code) => {
      const [command = '', ...more] = commandsIn(describeRequest(entraFailure(code), contextFor(host)));
      expect(more).toEqual([]);
      const [call = []] = callsByBash(command);
      expect(call.slice(0, -1)).toEqual([
        'ad',
        'app',
        'federated-credential',
        'create',
        '--id',
        app,
        '--parameters',
      ]);
      expect(JSON.parse(call.at(-1) ?? '')).toEqual({ name: 'managed-identity-0b1ec700', ...credential });
    },
  );

  test('a different audience is corrected, because the app cannot have a second credential', () => {
    const text = describeRequest(entraFailure('700212'), contextFor(host));
    expectWellFormed(text, host);
    const [command = ''] = commandsIn(text);
    const query = `[?issuer==\`"${assertion.issuer}"\` && subject==\`"${assertion.subject}"\`].id`;
    const [inner, outer = []] = callsByBash(command);
    expect(inner).toEqual([
      'ad',
      'app',
      'federated-credential',
      'list',
      '--id',
      app,
      '--query',
      query,
      '--output',
      'tsv',
    ]);
    expect(outer.slice(0, -1)).toEqual([
      ...['ad', 'app', 'federated-credential', 'update', '--id', app],
      ...['--federated-credential-id', 'inner-id', '--parameters'],
    ]);
    expect(JSON.parse(outer.at(-1) ?? '')).toEqual(credential);
  });

  test('on Windows the commands are PowerShell’s, with the JSON through stdin', () => {
    const create = describeRequest(entraFailure('700213'), contextFor(host, { windows: true }));
    expectWellFormed(create, host);
    expect(everything(create)).toContain('(in PowerShell):');
    expect(commandsIn(create)).toEqual([
      `'${JSON.stringify({ name: 'managed-identity-0b1ec700', ...credential })}' |`,
      `az ad app federated-credential create --id ${app} --parameters '@-'`,
    ]);
    const update = commandsIn(describeRequest(entraFailure('700212'), contextFor(host, { windows: true })));
    expect(update).toHaveLength(2);
    expect(update[1]).toMatch(
      / --federated-credential-id \$\(az ad app [^)]+--query '[^']+' --output tsv\) --parameters '@-'$/u,
    );
  });

  const genuine = { ...assertion };
  test.each([
    ['an issuer of somebody else', { issuer: 'https://evil.example/v2.0' }],
    ['an issuer that only begins like Entra’s', { issuer: `${assertion.issuer}.evil.example` }],
    ['an issuer of another cloud', { issuer: `https://login.microsoftonline.us/${tenantIds.fabrikam}/v2.0` }],
    ['no issuer', { issuer: undefined }],
    ['another tenant than its issuer', { tenantId: tenantIds.contoso }],
    ['a subject that is no object ID', { subject: 'repo:evil/evil:ref:refs/heads/main' }],
    ['quotes and commands', { issuer: 'https://x/\'; $(az evil) `az evil` "’‘', subject: "a'b" }],
  ])('no command trusts a token with %s', (_, wrong) => {
    for (const code of ['70025', '700211', '700212', '700213', '700223', '700227']) {
      for (const windows of [false, true]) {
        const more = { assertion: { ...genuine, ...wrong } } as never;
        const text = describeRequest(entraFailure(code), contextFor(host, { windows }), more);
        expectWellFormed(text, host);
        expect(commandsIn(text)).toEqual([]);
        const all = everything(text);
        expect(all).not.toMatch(
          /federated-credential (?:create|update)|must have exactly|Ask an administrator/u,
        );
        expect(text.error).toContain('a token that Entra did not issue');
        expect(text.error).toContain('Do not create a federated identity credential');
      }
    }
  });

  test('an audience that may be a secret is not shown, and the command says where it is', () => {
    const audience = 'api://npm_abcdefghijklmnopqrstuvwxyz0123456789';
    const context = contextFor(host, { given: { audience }, secrets: [audience] });
    for (const code of ['700212', '700213']) {
      const failure = entraFailure(code, `audience ${audience} or ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789`);
      const text = describeRequest(failure, context);
      expect(everything(text)).toContain(`audience  <the value of ${host.inputLabel('audience')}>`);
      expect(everything(text)).not.toMatch(/abcdefghijkl|uvwxyz0123/iu);
      expect(commandsIn(text)[0]).toContain('"audiences":["<the value of ');
    }
  });

  test.each([
    'api://AzureADTokenExchangeUSGov',
    'api://AzureADTokenExchangeUSNat',
    'api://contoso-exchange',
    '11111111-2222-4000-8000-000000000001',
    'urn:contoso:exchange',
  ])('the audience %s is shown', (audience) => {
    const text = describeRequest(entraFailure('700213'), contextFor(host, { given: { audience } }));
    expect(everything(text)).toContain(`audience  ${audience}  `);
    expect(commandsIn(text)[0]).toContain(`"audiences":["${audience}"]`);
  });

  test('a tenant that the token does not name is not held against it', () => {
    const { tenantId: _, ...rest } = assertion;
    const text = describeRequest(entraFailure('700213'), contextFor(host), { assertion: rest } as never);
    expect(commandsIn(text)).toHaveLength(1);
  });

  test('the v1.0 issuer of the cloud is Entra’s, too', () => {
    const issuer = `https://sts.windows.net/${tenantIds.fabrikam}/`;
    const more = { assertion: { ...assertion, issuer } } as never;
    expect(commandsIn(describeRequest(entraFailure('700213'), contextFor(host), more))).toHaveLength(1);
  });

  const none = { 'managed-identity-client-id': '' };
  const resourceId =
    '/subscriptions/11111111-2222-4000-8000-000000000001/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/runner';
  test.each([
    [
      'the subject by the client ID',
      {},
      `az ad sp show --id ${identities.runner.clientId} --query id --output tsv`,
    ],
    [
      'the subject by the resource ID',
      { ...none, 'managed-identity-resource-id': resourceId },
      `az identity show --ids ${resourceId} --query principalId --output tsv`,
    ],
    [
      'the issuer of a pod’s cluster',
      { ...none, 'federated-token-file': '/token' },
      'az aks show --resource-group <group> --name <cluster> --query oidcIssuerProfile.issuerUrl',
    ],
  ])('the reader can check %s', (_, given, command) => {
    const text = everything(describeRequest(entraFailure('700213'), contextFor(host, { given })));
    expect(text).toContain('before you create the credential:  ');
    expect(text).toContain(command);
  });

  test('in a pod, quotes and substitutions in what a token says stay data in bash and in PowerShell', () => {
    const issuer = 'https://x/\'; $(az evil) `az evil` "’‘';
    const more = { assertion: { ...assertion, issuer, subject: "a'b" } };
    const given = { ...none, 'federated-token-file': '/token' };
    const hostile = (windows: boolean, code: string) =>
      commandsIn(describeRequest(entraFailure(code), contextFor(host, { windows, given }), more as never));
    const [create = []] = callsByBash(hostile(false, '700213')[0] ?? '');
    expect(JSON.parse(create.at(-1) ?? '')).toMatchObject({ issuer, subject: "a'b" });
    const update = callsByBash(hostile(false, '700212')[0] ?? '');
    expect(update.map(([word]) => word)).toEqual(['ad', 'ad']);
    expect(JSON.parse(update.at(-1)?.at(-1) ?? '')).toMatchObject({ issuer });
    const [json = ''] = hostile(true, '700213');
    expect(json).toMatch(/''; \$\(az evil\).*’’‘‘/u);
  });
});

describe.each(labelledHosts)('$title, in a pod', (host) => {
  const path = '/var/run/secrets/azure/tokens/azure-identity-token';
  const given = { 'managed-identity-client-id': '', 'federated-token-file': path };
  const issuer =
    'https://westeurope.oic.prod-aks.azure.com/c0470505-0000-4000-8000-00000000c001/c1057e20-4444-4000-8000-000000000001/';
  const messageFor = (subject: string, { windows = false, code = '700213', from = issuer } = {}) =>
    describeRequest(entraFailure(code), contextFor(host, { given, windows }), {
      assertion: { issuer: from, subject, audience: 'api://AzureADTokenExchange' },
    } as never);
  const nameFor = (subject: string, from = issuer): string => {
    const [call = []] = callsByBash(commandsIn(messageFor(subject, { from }))[0] ?? '');
    return (JSON.parse(call.at(-1) ?? '') as { name: string }).name;
  };

  test('the command has the cluster’s issuer and the pod’s subject, in bash and in PowerShell', () => {
    const subject = 'system:serviceaccount:ci:runner';
    const text = messageFor(subject);
    expectWellFormed(text, host);
    expect(everything(text)).toContain(`issuer    ${issuer}  (the cluster’s, with its trailing slash)`);
    expect(everything(text)).toContain(`subject   ${subject}  (the pod’s namespace and service account)`);
    expect(everything(text)).toContain(
      'Sign in to the app’s own tenant and create the credential (in bash):',
    );
    const [call = []] = callsByBash(commandsIn(text)[0] ?? '');
    const parameters = { name: nameFor(subject), issuer, subject, audiences };
    expect(JSON.parse(call.at(-1) ?? '')).toEqual(parameters);
    expect(parameters.name).toMatch(/^pod-ci-runner-[0-9a-f]{8}$/u);
    expect(commandsIn(messageFor(subject, { windows: true }))).toEqual([
      `'${JSON.stringify(parameters)}' |`,
      `az ad app federated-credential create --id ${app} --parameters '@-'`,
    ]);
  });

  test('credentials of different pods and clusters have different, valid names', () => {
    const pod = (name: string): string => `system:serviceaccount:${name}`;
    const long = 'a'.repeat(63);
    const subjects = [
      'a:b-c',
      'a-b:c',
      'a:b.c',
      `${long}:${long}.${long}`,
      `${long}:${long}.${long}b`,
      '::',
      '',
    ];
    const names = [...subjects.map((name) => nameFor(pod(name))), nameFor(pod('a:b-c'), `${issuer}other/`)];
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[A-Za-z0-9][A-Za-z0-9-]{2,119}$/u);
  });
});

describe('the whole diagnosis', () => {
  const given = { 'client-id': '11111111-2222-3333-4444-555555555555' };
  const [host = { title: '', inputLabel: (name: string) => name }] = labelledHosts;
  const claims = { issuer: 'https://issuer', subject: '0123456789ab', audience: 'guid', tenantId: 'home' };

  test('in bash, to create the credential', () => {
    expect(diagnoseTrust(contextFor(host, { given }), claims, ['700213'])).toEqual({
      comparison: [
        'The app’s federated identity credential must have exactly these values:',
        '  issuer    https://issuer',
        '  subject   0123456789ab  (the identity’s object ID, not its client ID)',
        '  audience  api://AzureADTokenExchange  (the token shows it as guid)',
        'Compare the subject with the identity’s object ID before you create the credential:  az ad sp show --id a1b2c3d4-1111-4000-8000-000000000001 --query id --output tsv',
        'To list the app’s credentials:  az ad app federated-credential list --id 11111111-2222-3333-4444-555555555555',
      ],
      commands: [
        'Sign in to tenant home and create the credential (in bash):',
        `  az ad app federated-credential create --id 11111111-2222-3333-4444-555555555555 --parameters '{"name":"managed-identity-01234567","issuer":"https://issuer","subject":"0123456789ab","audiences":["api://AzureADTokenExchange"]}'`,
      ],
    });
  });

  test('in PowerShell, to correct the audience, which is the input’s', () => {
    const context = contextFor(host, { given: { ...given, audience: 'api://other' }, windows: true });
    const { comparison, commands } = diagnoseTrust(context, { ...claims, issuer: 'a`b' }, ['1', '7002123']);
    expect(comparison).toContain('  audience  api://other  (the token shows it as guid)');
    expect(commands).toEqual([
      'The app has a credential with this issuer and subject. Sign in to tenant home and correct its audience (in PowerShell):',
      `  '{"issuer":"a\`b","subject":"0123456789ab","audiences":["api://other"]}' |`,
      '    az ad app federated-credential update --id 11111111-2222-3333-4444-555555555555 --federated-credential-id ' +
        `$(az ad app federated-credential list --id 11111111-2222-3333-4444-555555555555 --query '[?issuer==\`"a\\\`b"\` && subject==\`"0123456789ab"\`].id' --output tsv) --parameters '@-'`,
    ]);
  });

  test('with nothing known, placeholders show what to fill in', () => {
    const { inputLabel } = host;
    expect(diagnoseTrust({ inputLabel, secrets: new Set() }, undefined, ['70025'])).toEqual({
      comparison: [
        'The app’s federated identity credential must have exactly these values:',
        '  issuer    <issuer>',
        '  subject   <the managed identity’s object (principal) ID>  (the identity’s object ID, not its client ID)',
        '  audience  api://AzureADTokenExchange',
        'To list the app’s credentials:  az ad app federated-credential list --id <client-id>',
      ],
      commands: [
        'Sign in to tenant <the identity’s tenant> and create the credential (in bash):',
        `  az ad app federated-credential create --id <client-id> --parameters '{"name":"managed-identity-theman","issuer":"<issuer>","subject":"<the managed identity’s object (principal) ID>","audiences":["api://AzureADTokenExchange"]}'`,
      ],
    });
  });
});
