import { describe, expect, test } from '@jest/globals';
import { clientIds, identities, tenantIds } from '../../emulator/default-world.ts';
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

  test('quotes and substitutions in what a token says stay data in bash and in PowerShell', () => {
    const issuer = 'https://x/\'; $(az evil) `az evil` "’‘';
    const more = { assertion: { ...assertion, issuer, subject: "a'b" } };
    const hostile = (windows: boolean, code: string) =>
      commandsIn(describeRequest(entraFailure(code), contextFor(host, { windows }), more as never));
    const [create = []] = callsByBash(hostile(false, '700213')[0] ?? '');
    expect(JSON.parse(create.at(-1) ?? '')).toMatchObject({ issuer, subject: "a'b" });
    const update = callsByBash(hostile(false, '700212')[0] ?? '');
    expect(update.map(([word]) => word)).toEqual(['ad', 'ad']);
    expect(JSON.parse(update.at(-1)?.at(-1) ?? '')).toMatchObject({ issuer });
    const [json = ''] = hostile(true, '700213');
    expect(json).toMatch(/''; \$\(az evil\).*’’‘‘/u);
  });
});
