/**
 * `npm run bench:fleet`: many jobs of one machine image start at once, against the limits of the metadata service and
 * an Entra that throttles; and many exchanges while one answer in ten is faulty. Real bundles, one process each.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { clientIds, identities, tenantIds, worldFor } from '../emulator/default-world.ts';
import { type Emulator, entraError, type Fault, startEmulator } from '../emulator/emulator.ts';
import { type LimitedService, startLimitedService } from './fleet-limits.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/known-issues and
 * https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service#rate-limiting. Entra publishes no number.
 */
const identityLimits = { atOnce: 5, perSecond: 20 };
const entraLimits = { atOnce: Number.POSITIVE_INFINITY, perSecond: 30, retryAfter: 1 };
const free = { atOnce: Number.POSITIVE_INFINITY, perSecond: Number.POSITIVE_INFINITY };

/** One answer in ten, mixed. */
const mixedFaults: readonly { readonly leg: 'imds' | 'entra'; readonly fault: Fault }[] = [
  { leg: 'imds', fault: { status: 429, body: {} } },
  { leg: 'imds', fault: { status: 500, body: {} } },
  { leg: 'imds', fault: { status: 410, body: {} } },
  { leg: 'imds', fault: { kind: 'reset' } },
  { leg: 'entra', fault: { status: 429, headers: { 'retry-after': '1' }, body: {} } },
  { leg: 'entra', fault: { kind: 'html', status: 503 } },
  { leg: 'entra', fault: { kind: 'reset' } },
  { leg: 'entra', fault: entraError(90033) },
];

interface Job {
  readonly succeeded: boolean;
  readonly error: string;
  readonly token: string;
  /** Milliseconds. */
  readonly wall: number;
  /** MiB. */
  readonly peak: number;
}

const folder = mkdtempSync(join(tmpdir(), 'fleet-'));
const azure = await startEmulator(worldFor('public'));
const services: LimitedService[] = [];

async function runJob(number: number, imdsUrl: string, entraUrl: string): Promise<Job> {
  const own = join(folder, String(number));
  mkdirSync(own, { recursive: true });
  const files = Object.fromEntries(
    ['GITHUB_OUTPUT', 'GITHUB_ENV', 'GITHUB_STATE'].map((name) => [name, join(own, name)]),
  );
  for (const path of Object.values(files)) writeFileSync(path, '');
  const began = performance.now();
  const child = spawn(process.execPath, [join(root, 'dist', 'main', 'index.js')], {
    env: {
      ...files,
      PATH: process.env['PATH'] ?? '',
      NODE_EXTRA_CA_CERTS: azure.ca.file,
      AZURE_POD_IDENTITY_AUTHORITY_HOST: imdsUrl,
      RUNNER_TEMP: own,
      GITHUB_EVENT_NAME: 'push',
      'INPUT_CLIENT-ID': clientIds.deployer,
      'INPUT_TENANT-ID': tenantIds.contoso,
      'INPUT_MANAGED-IDENTITY-CLIENT-ID': identities.runner.clientId,
      'INPUT_AUTHORITY-HOST': entraUrl,
      INPUT_SCOPES: 'arm',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let log = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  let peak = 0;
  const memory = setInterval(() => {
    peak = Math.max(peak, peakMemory(child.pid));
  }, 100);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearInterval(memory);
  const outputs = readFileSync(files['GITHUB_OUTPUT'] ?? '', 'utf8');
  rmSync(own, { recursive: true, force: true });
  return {
    succeeded: code === 0,
    error: /^::error::(.*)$/mu.exec(log)?.[1] ?? '',
    token: /eyJ[\w-]+\.[\w-]+\.[\w-]+/u.exec(outputs)?.[0] ?? '',
    wall: performance.now() - began,
    peak,
  };
}

function peakMemory(pid: number | undefined): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/mu.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

interface Fleet {
  readonly seconds: number;
  readonly jobs: readonly Job[];
  readonly identityTries: number;
  readonly entraTries: number;
}

async function runFleet(count: number, atOnce: number, limited: boolean): Promise<Fleet> {
  const imds = await startLimitedService(azure.imds.url, limited ? identityLimits : free);
  const entra = await startLimitedService(azure.entra.url, limited ? entraLimits : free, {
    certificate: await azure.ca.issue(['localhost']),
    ca: azure.ca.pem,
  });
  services.push(imds, entra);
  const began = performance.now();
  const jobs: Job[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < count) jobs.push(await runJob(next++, imds.url, entra.url));
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  const fleet = { seconds, jobs, identityTries: imds.requests(), entraTries: entra.requests() };
  for (const service of services.splice(0)) service.stop();
  return fleet;
}

function row(title: string, fleet: Fleet, limitsTime: number | undefined, base: Fleet | undefined): string {
  const { jobs, seconds, identityTries, entraTries } = fleet;
  const failed = jobs.filter(({ succeeded }) => !succeeded);
  // Entra issues a new token for each exchange, so a token that two jobs hold would have been shared.
  const tokens = new Set(jobs.map(({ token }) => token));
  const allowed = limitsTime === undefined ? undefined : Math.max(limitsTime, base?.seconds ?? 0);
  const walls = jobs.map(({ wall }) => wall / 1000).sort((a, b) => a - b);
  for (const message of new Set(failed.map(({ error }) => error.slice(0, 300)))) console.error(message);
  return [
    title,
    `${jobs.length - failed.length} of ${jobs.length}`,
    `${seconds.toFixed(1)} s`,
    limitsTime === undefined ? '–' : `${limitsTime.toFixed(1)} s`,
    base === undefined ? '–' : `${base.seconds.toFixed(1)} s`,
    allowed === undefined ? '–' : (seconds / allowed).toFixed(2),
    `${(walls[Math.floor(walls.length / 2)] ?? 0).toFixed(1)} s / ${(walls.at(-1) ?? 0).toFixed(1)} s`,
    (identityTries / jobs.length).toFixed(2),
    (entraTries / jobs.length).toFixed(2),
    `${Math.round(Math.max(...jobs.map(({ peak }) => peak)))} MiB`,
    `${tokens.size}`,
  ].join(' | ');
}

function queueFaults(azureWithFaults: Emulator, requests: number): void {
  // Every tenth request of each service; which fault it is goes round. The queue asks once for each fault that waits.
  const numbers = new Map<unknown, number>();
  for (const leg of ['imds', 'entra'] as const) {
    let seen = 0;
    const faults = mixedFaults.filter((one) => one.leg === leg);
    for (let turn = 0; turn < requests / 10; turn += 1) {
      const fault = faults[turn % faults.length]?.fault;
      if (fault === undefined) continue;
      azureWithFaults.faults.queue(leg, fault, 1, (request) => {
        const number = numbers.get(request) ?? ++seen;
        numbers.set(request, number);
        return number % 10 === 0;
      });
    }
  }
}

const counts = (process.argv[2] ?? '64,256').split(',').map(Number);
const exchanges = Number(process.argv[3] ?? 1_000);
try {
  console.log(
    '| fleet | succeeded | wall time | limits alone | without limits | ratio | job: median / longest | identity tries per job | Entra tries per job | largest memory | different tokens |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
  );
  for (const count of counts) {
    const base = await runFleet(count, count, false);
    const limited = await runFleet(count, count, true);
    const limitsTime = Math.max(count / identityLimits.perSecond, count / entraLimits.perSecond);
    console.log(`| ${row(`${count} jobs at once, no limits`, base, undefined, undefined)} |`);
    console.log(`| ${row(`${count} jobs at once, limited`, limited, limitsTime, base)} |`);
  }
  if (exchanges > 0) {
    queueFaults(azure, exchanges * 2);
    const faulty = await runFleet(exchanges, 16, false);
    console.log(`| ${row(`${exchanges} exchanges, 10 % faults`, faulty, undefined, undefined)} |`);
  }
} finally {
  await azure.stop();
  rmSync(folder, { recursive: true, force: true });
}
