import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import { createCertificateAuthority } from '../../emulator/certificate-authority.ts';
import { startBudget } from '../../src/exchange/budget.ts';
import { createTokenSource } from '../../src/exchange/exchange.ts';
import { recordingObserver } from './recording-observer.ts';
import { startScriptedProxy } from './tls-servers.ts';
import { virtualClock } from './virtual-clock.ts';

// A file of its own, because the library keeps the address of the first request of the process.
test('an identity endpoint over https is asked directly, although there is a proxy for https', async () => {
  const authority = await createCertificateAuthority();
  const server = createServer(await authority.issue(['localhost']));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await startScriptedProxy(['tunnel']);
  const endpoint = `https://localhost:${(server.address() as AddressInfo).port}/msi/token`;
  const variables = { IDENTITY_ENDPOINT: endpoint, IDENTITY_HEADER: 'hush' };
  Object.assign(process.env, variables);
  try {
    const source = createTokenSource(
      {
        origin: {
          kind: 'managed-identity',
          machine: { kind: 'app-service', endpoint, because: 'a test', variables, secret: 'hush' },
          identity: { kind: 'client-id', value: randomUUID() },
        },
        audience: 'api://AzureADTokenExchange',
        authorityHost: 'https://login.example',
        tenantId: randomUUID(),
        clientId: randomUUID(),
        scopes: ['https://a.example/.default'],
        registries: [],
        proxy: { url: `http://127.0.0.1:${proxy.port}`, setting: 'HTTPS_PROXY' },
        timeBudget: 60_000,
      },
      recordingObserver(),
    );
    // Node does not know the authority, so the request reaches the endpoint and ends there.
    await expect(source.assertion(startBudget(60_000, virtualClock(), () => 0))).rejects.toMatchObject({
      detail: { kind: 'unreachable', leg: 'identity', certificate: 'untrusted' },
    });
    expect(proxy.requests).toEqual([]);
  } finally {
    for (const name of Object.keys(variables)) delete process.env[name];
    proxy.stop();
    server.close();
  }
});
