import { startAzurite } from './azurite.ts';
import { clientIds, identities, ordersApi, subscriptionIds, tenantIds } from './default-world.ts';
import { startEmulator } from './emulator.ts';

/** `npm run emulator`: runs only the embedded Azure, to try a workflow or a tool with it. */

// Registered first: a signal during the start must not leave a process or a file behind.
const stopRequested = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve());
});

const azure = await startEmulator();
const azurite = await startAzurite(azure.ca.issue);
for (const host of azurite.hosts) azure.proxy.map(host, azurite.port);

const LOOPBACK = '127.0.0.1,localhost';

function block(title: string, values: Readonly<Record<string, string>>): string {
  const width = Math.max(...Object.keys(values).map((name) => name.length));
  const lines = Object.entries(values).map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
  return [title, ...lines, ''].join('\n');
}

const exportLines = (values: Readonly<Record<string, string>>): string =>
  Object.entries(values)
    .map(([name, value]) => `  export ${name}=${value}`)
    .join('\n');

process.stdout.write(
  [
    'The embedded Azure is running. It listens only on loopback.',
    '',
    'Set these variables for the machine and the certificate authority:',
    exportLines(azure.environment('machine', 'ca')),
    '',
    'For tools that use the public host names (az, SDKs, PowerShell), also set the proxy:',
    // Without NO_PROXY, .NET, Python and PowerShell send the request for the identity to the proxy, too.
    exportLines({ ...azure.environment('proxy'), NO_PROXY: LOOPBACK, no_proxy: LOOPBACK }),
    '',
    block('Services', {
      'authority-host': azure.entra.url,
      'identity (IMDS)': azure.imds.url,
      'Resource Manager': azure.arm.url,
      Graph: azure.graph.url,
      'cluster issuer': azure.cluster.issuer,
      'blobs (Azurite)': azurite.blobUrl,
    }),
    block('Tenants', tenantIds),
    block(
      'Managed identities (client IDs)',
      Object.fromEntries(Object.entries(identities).map(([name, one]) => [name, one.clientId])),
    ),
    block('Applications (client IDs), named after the situation that they show', clientIds),
    block('Subscriptions', subscriptionIds),
    block(
      'Container registries (through the proxy only)',
      Object.fromEntries(azure.world.registries.map(({ loginServer }) => [loginServer, 'login server'])),
    ),
    block("Contoso's own API", { scope: `${ordersApi.uri}/.default` }),
    'Press Ctrl-C to stop.',
    '',
  ].join('\n'),
);

await stopRequested;
await azurite.stop();
await azure.stop();
