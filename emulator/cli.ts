/** `npm run emulator`: the embedded Azure alone, to try a workflow or a tool with it. `cli-options.ts` has its options. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve as resolvePath } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type RunningAzurite, startAzurite } from './azurite.ts';
import { type CliOptions, help, parseCommandLine, suggestion, UsageError } from './cli-options.ts';
import { envFile, page, proxyVariables } from './cli-page.ts';
import { blobHost } from './clouds.ts';
import { clientIds, identities, runnerServiceAccount, tenantIds } from './default-world.ts';
import { type Emulator, type RecordedRequest, startEmulator } from './emulator.ts';
import { requestLine } from './request-line.ts';
import { portAfterServices } from './service.ts';
import { namedValues } from './situations.ts';

const ACCOUNT = 'contosodata';
const CONTAINER = 'invoices';
const BLOBS = ['2026/report.csv', '2026/summary.txt', 'readme.md'];
const ENV_FILE_MARK = '# Written by npm run emulator, which removes it at the end.\n';
/** The inputs of which the step accepts only one. */
const NAMES_AN_IDENTITY = [
  'managed-identity-client-id',
  'managed-identity-object-id',
  'managed-identity-resource-id',
  'federated-token-file',
];

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

// Registered first: a signal during the start must not leave a process or a file behind.
const stopRequested = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
  // Any other script of npm's may start this as a process of its own, to go on.
  if (process.env['npm_lifecycle_event'] === 'emulator') untilNpmEnds(resolve);
});
// A reader that went away must not prevent the clean stop.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

async function main(options: CliOptions): Promise<number> {
  if (options.envFile !== undefined) await refuseForeignFile(options.envFile);
  // A mistake is reported before anything starts.
  const inputs = options.run && stepInputs(options.run);
  progress('Starting the embedded Azure …');
  let isReady = false;
  const lines: string[] = [];
  const onAnswer = (request: RecordedRequest): void => {
    // The requests of the start are our own.
    if (!isReady) return;
    const line = `${requestLine(request)}\n`;
    if (options.log) process.stdout.write(line);
    else if (inputs !== undefined && request.leg !== 'proxy') lines.push(line);
  };
  const azure = await startEmulator(undefined, {
    ...(options.port !== undefined && { port: options.port }),
    ...(options.state !== undefined && { state: options.state }),
    onAnswer,
  });
  let azurite: RunningAzurite | undefined;
  try {
    for (const { leg, fault, times } of options.faults) azure.faults.queue(leg, fault, times);
    for (const { legs, milliseconds } of options.delays) {
      for (const leg of legs) azure.delays.set(leg, milliseconds);
    }
    const podTokenFile = join(dirname(azure.ca.file), 'pod-token');
    const podToken = await azure.cluster.token({ ...runnerServiceAccount, lifetime: 86_400 });
    await writeFile(podTokenFile, podToken, { mode: 0o600 });
    if (inputs !== undefined) {
      isReady = true;
      const code = await runAction(azure, inputs);
      if (!options.log) process.stdout.write(['\nRequests of the step:\n', ...lines].join('  '));
      return code;
    }
    progress('Starting Azurite, Microsoft’s storage emulator …');
    azurite = await startAzurite(azure.ca.issue, options.port && portAfterServices(options.port));
    for (const host of azurite.hosts) azure.proxy.map(host, azurite.port);
    const { fillContainer } = await import('./blobs.ts');
    const container = new URL(`/${ACCOUNT}/${CONTAINER}`, azurite.blobUrl).href;
    await fillContainer({ url: container, ca: azure.ca.pem }, BLOBS);
    isReady = true;
    if (options.envFile !== undefined) {
      await writeFile(options.envFile, `${ENV_FILE_MARK}${envFile(azure)}`, { mode: 0o600 });
    }
    const containerUrl = `https://${blobHost('public', ACCOUNT)}/${CONTAINER}`;
    process.stdout.write(page({ azure, azurite, podTokenFile, containerUrl, blobs: BLOBS }));
    await stopRequested;
    progress('Stopping …');
    return 0;
  } finally {
    if (options.envFile !== undefined && azurite !== undefined) await rm(options.envFile, { force: true });
    await azurite?.stop();
    await azure.stop();
  }
}

/** The given inputs, and the defaults of `--run`. */
function stepInputs(given: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return {
    'client-id': clientIds.deployer,
    'tenant-id': tenantIds.contoso,
    ...(NAMES_AN_IDENTITY.some((name) => name in given)
      ? {}
      : { 'managed-identity-client-id': identities.runner.clientId }),
    ...Object.fromEntries(Object.entries(given).map(([name, value]) => [name, inputValue(name, value)])),
  };
}

/**
 * Runs the built action once, as GitHub's runner does, in a process of its own: this folder must not import the
 * runner of the tests.
 */
async function runAction(azure: Emulator, inputs: Readonly<Record<string, string>>): Promise<number> {
  const script = join(root, 'build', 'demo', 'run-action.js');
  const child = spawn(process.execPath, [script], { cwd: root, stdio: ['pipe', 'inherit', 'inherit'] });
  child.stdin?.end(JSON.stringify({ inputs, environment: proxyVariables(azure) }));
  stopRequested.then(() => child.kill('SIGTERM'));
  return exitCodeOf(child);
}

const exitCodeOf = (child: ChildProcess): Promise<number> =>
  new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });

/** Names of the default world stand for their IDs. A tenant can also be a domain, so only IDs are checked. */
function inputValue(name: string, value: string): string {
  const names = namedValues[name] ?? {};
  const id = names[value];
  if (id !== undefined || name === 'tenant-id' || !(name in namedValues)) return id ?? value;
  if (/^[0-9a-f-]{36}$/iu.test(value)) return value;
  throw new UsageError(
    `${name}=${value} is neither an ID nor a name that the embedded Azure knows.${suggestion(value, Object.keys(names))}`,
  );
}

/** Only a file that an earlier start left behind may be overwritten. */
async function refuseForeignFile(file: string): Promise<void> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (text.startsWith(ENV_FILE_MARK)) return;
  throw new UsageError(`--env-file ${file} exists and was not written by this command. Choose another name.`);
}

/**
 * npm starts a shell, and the shell this process. The shell may end without passing a signal on, and a killed npm passes
 * nothing on, so this process watches both.
 */
function untilNpmEnds(ended: () => void): void {
  const shell = process.ppid;
  const npm = parentOfShell(shell);
  setInterval(() => {
    if (process.ppid !== shell || (npm !== undefined && parentOfShell(shell) !== npm)) ended();
  }, 300).unref();
}

/** The parent of a process that is a shell, where /proc exists. Elsewhere, and for npm itself, `undefined`. */
function parentOfShell(pid: number): number | undefined {
  try {
    const [, name = '', parent] = /\((.*)\) \S (\d+)/su.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    return /^(?:ba|da|z|k)?sh$/u.test(name) ? Number(parent) : undefined;
  } catch {
    return undefined;
  }
}

function messageOf(error: unknown): string {
  if (error instanceof UsageError) return `${error.message}\nAll options: npm run emulator -- --help`;
  const { code, port } = error as { code?: string; port?: number };
  if (code === 'EADDRINUSE') return `Port ${port} is in use. Choose another first port with --port.`;
  return error instanceof Error ? `The embedded Azure could not start: ${error.message}` : String(error);
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

try {
  // npm starts scripts in the repository's folder. Paths are relative to the user's folder.
  const folder = process.env['INIT_CWD'] ?? process.cwd();
  const options = parseCommandLine(process.argv.slice(2), (path) => resolvePath(folder, path));
  if (options === 'help') process.stdout.write(help);
  else process.exitCode = await main(options);
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  // Services that already listen would keep the process alive.
  process.exit(error instanceof UsageError ? 2 : 1);
}
