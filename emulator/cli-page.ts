import type { RunningAzurite } from './azurite.ts';
import {
  displayNames,
  identities,
  runnerServiceAccount,
  subscriptionIds,
  tenantIds,
} from './default-world.ts';
import type { Emulator } from './emulator.ts';
import { inputsOf, situations } from './situations.ts';

/** What `npm run emulator` prints when everything listens. */
export interface CliPage {
  readonly azure: Emulator;
  readonly azurite: RunningAzurite;
  readonly podTokenFile: string;
  /** The container with blobs, at its public address. */
  readonly containerUrl: string;
  readonly blobs: readonly string[];
}

const LOOPBACK = '127.0.0.1,localhost';

/** The variables for tools that use the public names. */
export function proxyVariables(azure: Emulator): Readonly<Record<string, string>> {
  // Without NO_PROXY, .NET, Python and PowerShell send the request for the identity to the proxy, too.
  return { ...azure.environment(), NO_PROXY: LOOPBACK, no_proxy: LOOPBACK };
}

/** A value as a shell reads it. Values without special characters stay as they are, for `docker run --env-file`. */
const quoted = (value: string): string =>
  /^[\w.:/,@%+=-]*$/u.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;

/** The lines of an environment file, for a shell, Docker or an SDK. */
export function envFile(azure: Emulator): string {
  return `${Object.entries(proxyVariables(azure))
    .map(([name, value]) => `${name}=${quoted(value)}`)
    .join('\n')}\n`;
}

const exportLines = (values: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(values).map(([name, value]) => `  export ${name}=${quoted(value)}`);

function block(title: string, values: Readonly<Record<string, string>>): readonly string[] {
  const width = Math.max(...Object.keys(values).map((name) => name.length));
  return [title, ...Object.entries(values).map(([name, value]) => `  ${name.padEnd(width)}  ${value}`), ''];
}

export function page(what: CliPage): string {
  const { azure, azurite, podTokenFile, containerUrl, blobs } = what;
  return [
    'The embedded Azure is running. It listens only on loopback.',
    '',
    ...appTable(),
    'Each command runs the built action once, against an embedded Azure of its own.',
    '',
    'Two ways in. Both need the variables in the same terminal as your tool.',
    '',
    '1. Public names, through the proxy: for az, SDKs, Terraform and the action with its default inputs',
    '',
    ...exportLines(proxyVariables(azure)),
    '',
    '2. The input authority-host, without a proxy: only the exchange, for a step or your own code',
    '',
    ...exportLines(azure.environment('machine', 'ca')),
    `  authority-host: ${azure.entra.url}`,
    '',
    ...block('Services', {
      'authority-host': azure.entra.url,
      'identity (IMDS)': azure.imds.url,
      'Resource Manager': azure.arm.url,
      Graph: azure.graph.url,
      'cluster issuer': azure.cluster.issuer,
      'blobs (Azurite)': azurite.blobUrl,
      proxy: azure.proxy.url,
    }),
    ...block('Tenants', tenantIds),
    ...block(
      'Managed identities (client IDs). The machine has runner, second and system',
      Object.fromEntries(Object.entries(identities).map(([name, one]) => [name, one.clientId])),
    ),
    ...block('Subscriptions', subscriptionIds),
    ...block('Container registries (way 1 only)', {
      'login servers': azure.world.registries.map(({ loginServer }) => loginServer).join(', '),
    }),
    'Blobs to list (way 1), with a token for the scope storage:',
    `  ${blobs.join(', ')}`,
    '  curl --header "Authorization: Bearer $STORAGE_TOKEN" --header "x-ms-version: 2021-12-02" \\',
    `    '${containerUrl}?restype=container&comp=list'`,
    '',
    'A pod’s service account token, for the app pod-deployer and the input federated-token-file:',
    `  ${podTokenFile}  (system:serviceaccount:${runnerServiceAccount.namespace}:${runnerServiceAccount.serviceAccount})`,
    '',
    'Press Ctrl-C to stop. All options: npm run emulator -- --help',
    '',
  ].join('\n');
}

/** One app in two lines: what it shows, and the command to try it. Real IDs, because a workflow needs them. */
function appTable(): readonly string[] {
  const rows = situations.map((one) => ({
    app: one.agent === undefined ? displayNames[one.app] : `${displayNames[one.app]} (${one.agent})`,
    setUpFor: one.setUpFor,
    result: one.result === 'tokens' ? 'tokens' : `AADSTS${one.result}`,
    command: Object.entries(inputsOf(one))
      .map(([name, value]) => `${name}=${value}`)
      .join(' '),
  }));
  const [first, second] = [
    Math.max(...rows.map(({ app }) => app.length)),
    Math.max(...rows.map(({ setUpFor }) => setUpFor.length)),
  ];
  return [
    `${'App'.padEnd(first)}  ${'What it is set up for'.padEnd(second)}  Expected result`,
    ...rows.flatMap(({ app, setUpFor, result, command }) => [
      `${app.padEnd(first)}  ${setUpFor.padEnd(second)}  ${result}`,
      `${' '.repeat(first)}  npm run emulator -- --run ${command}`,
    ]),
    '',
  ];
}
