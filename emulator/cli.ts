import { startAzurite } from './azurite.ts';
import { clientIds, identities, ordersApi, subscriptionIds, tenantIds } from './default-world.ts';
import { startEmulator } from './emulator.ts';

/** `npm run emulator`: the embedded Azure alone, for people to try their own workflow or tool against. */

// From the first moment on: a signal during the start must not leave a process or a file behind.
const stopAsked = new Promise<void>((asked) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => asked());
});

const azure = await startEmulator();
const azurite = await startAzurite(azure.ca.issue);
azure.proxy.map('devstoreaccount1.blob.core.windows.net', azurite.port);

function block(title: string, values: Readonly<Record<string, string>>): string {
  const width = Math.max(...Object.keys(values).map((name) => name.length));
  const lines = Object.entries(values).map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
  return [title, ...lines, ''].join('\n');
}

const exports = (values: Readonly<Record<string, string>>): string =>
  Object.entries(values)
    .map(([name, value]) => `  export ${name}=${value}`)
    .join('\n');

process.stdout.write(
  [
    'The embedded Azure is running, on loopback only.',
    '',
    'What the machine and its certificate authority put into your environment:',
    exports(azure.environment('machine', 'ca')),
    '',
    'For tools that insist on the public names (az, SDKs, PowerShell), also its proxy:',
    exports(azure.environment('proxy')),
    '',
    block('Services', {
      'authority-host': azure.entra.url,
      'identity (IMDS)': azure.imds.url,
      'Resource Manager': azure.arm.url,
      Graph: azure.graph.url,
      'blobs (Azurite)': azurite.blobUrl,
    }),
    block('Tenants', tenantIds),
    block(
      'Managed identities (client IDs)',
      Object.fromEntries(Object.entries(identities).map(([name, one]) => [name, one.clientId])),
    ),
    block('Applications (client IDs), named after what they show', clientIds),
    block('Subscriptions', subscriptionIds),
    block('An API of your own', { scope: `${ordersApi.uri}/.default` }),
    'Stop it with Ctrl-C.',
    '',
  ].join('\n'),
);

await stopAsked;
await azurite.stop();
await azure.stop();
