import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, jest, test } from '@jest/globals';
import { createCertificateAuthority } from '../../emulator/certificate-authority.ts';
import type { Invocation } from '../../src/command/invocation.ts';
import { printTokens } from '../../src/command/token.ts';
import { readStepRequest } from '../../src/inputs/read.ts';
import { recordingObserver } from '../exchange/recording-observer.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

/** All that a server can put into a token: printable ASCII without white space. */
const hostileToken = `a'$(touch-pwned)\`touch-pwned\`"\\';touch-pwned;'`;

/** What the command prints for these options, if Entra answers with that token. */
async function printed(options: Readonly<Record<string, unknown>>): Promise<string> {
  const authority = await createCertificateAuthority();
  const entra = createServer(await authority.issue(['localhost']), (request, response) => {
    request.resume();
    request.once('end', () => response.end(JSON.stringify({ access_token: hostileToken, expires_in: 3599 })));
  });
  entra.listen(0, '127.0.0.1');
  await once(entra, 'listening');
  const folder = mkdtempSync(join(tmpdir(), 'printed-'));
  cleanups.push(() => {
    entra.closeAllConnections();
    entra.close();
    rmSync(folder, { recursive: true });
  });
  const path = join(folder, 'token');
  const claims = { aud: 'api://AzureADTokenExchange', exp: Date.now() / 1000 + 3600 };
  writeFileSync(path, `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.sig`);
  const inputs: Readonly<Record<string, string>> = {
    'client-id': '11111111-2222-3333-4444-555555555555',
    'tenant-id': 'contoso.example',
    'authority-host': `https://localhost:${(entra.address() as AddressInfo).port}`,
    'federated-token-file': path,
    scopes: 'MY_TOKEN = arm',
  };
  const request = readStepRequest((name) => inputs[name] ?? '');
  const { audience, authorityHost, tenantId, clientId, scopes, timeBudget } = request;
  const invocation: Pick<Invocation, 'host' | 'request' | 'options' | 'prepare'> = {
    host: { debug: () => undefined, inputLabel: (name: string) => name } as unknown as Invocation['host'],
    request,
    options: { show: true, ...options },
    prepare: async () =>
      ({
        request: {
          origin: { kind: 'token-file', path },
          certificateAuthority: authority.pem,
          registries: [],
          ...{ audience, authorityHost, tenantId, clientId, scopes, timeBudget },
        },
        observer: recordingObserver(),
      }) as never,
  };
  let text = '';
  const write = jest.spyOn(process.stdout, 'write').mockImplementation(((chunk, done) => {
    text += String(chunk);
    if (typeof done === 'function') done();
    return true;
  }) as typeof process.stdout.write);
  try {
    expect(await printTokens(invocation as Invocation)).toBe(0);
  } finally {
    write.mockRestore();
  }
  return text;
}

test('sh takes every character of a token as it is', async () => {
  const text = await printed({ output: 'env', shell: 'sh' });
  const shell = spawnSync('sh', ['-c', `${text}printf %s "$MY_TOKEN"`], { encoding: 'utf8' });
  expect(shell).toMatchObject({ status: 0, stdout: hostileToken, stderr: '' });
});

test('PowerShell gets every quote twice, so that none ends the text', async () => {
  expect(await printed({ output: 'env', shell: 'pwsh' })).toBe(
    `$env:MY_TOKEN = '${hostileToken.replaceAll("'", "''")}'\n`,
  );
});
