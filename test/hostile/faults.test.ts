import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { IssuedCertificate } from '../../emulator/certificate-authority.ts';
import { clientIds, identities, tenantIds, worldFor } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import {
  type Expected,
  entraFaults,
  type FaultRow,
  proxyFaults,
  serverFaults,
  type Truth,
} from './fault-table.ts';
import { type HostileServer, startHostileServer } from './hostile-server.ts';
import {
  faultsOf,
  full,
  type HostName,
  hostNames,
  inParallel,
  measureSlowness,
  runStep,
  type StepRun,
} from './step-runs.ts';

/** The step's own time limit. Seconds. */
const limit = 3;
const inputs = {
  'client-id': clientIds.deployer,
  'tenant-id': tenantIds.contoso,
  'managed-identity-client-id': identities.runner.clientId,
  scopes: 'arm\nGRAPH_TOKEN = graph',
  // So that there is a file that a failed step could leave.
  export: 'azure-sdk',
  'timeout-seconds': String(limit),
};

type Leg = 'identity' | 'entra' | 'proxy';
interface Cell {
  readonly leg: Leg;
  readonly way: 'directly' | 'through a proxy';
  readonly machine: 'virtual-machine' | 'app-service';
  readonly host: HostName;
  readonly row: FaultRow;
}

const cells: readonly Cell[] = hostNames.flatMap((host) => [
  ...serverFaults.flatMap((row): readonly Cell[] => [
    { leg: 'identity', way: 'directly', machine: 'virtual-machine', host, row },
    { leg: 'identity', way: 'through a proxy', machine: 'app-service', host, row },
    { leg: 'entra', way: 'directly', machine: 'virtual-machine', host, row },
    { leg: 'entra', way: 'through a proxy', machine: 'virtual-machine', host, row },
  ]),
  ...entraFaults.flatMap((row): readonly Cell[] => [
    { leg: 'entra', way: 'directly', machine: 'virtual-machine', host, row },
    { leg: 'entra', way: 'through a proxy', machine: 'virtual-machine', host, row },
  ]),
  ...proxyFaults.map(
    (row): Cell => ({ leg: 'proxy', way: 'through a proxy', machine: 'virtual-machine', host, row }),
  ),
]);

let azure: Emulator;
let certificate: IssuedCertificate;
let truths: Readonly<Record<Leg, Truth>>;
let slowness = 1;
const results = new Map<Cell, readonly string[]>();
const runs: StepRun[] = [];
const repeated: string[] = [];
const atOnce = 8;
/** A part of the table, to find out about one cell. */
const only = process.env['HOSTILE_ONLY'];

beforeAll(async () => {
  azure = await startEmulator(worldFor('public'));
  certificate = await azure.ca.issue(['localhost', '127.0.0.1', '*.hostile.example']);
  truths = await makeTruths();
  slowness = await measureSlowness(azure, atOnce, { ...inputs, 'timeout-seconds': '60' });
  // The cells wait more than they work, so they run side by side, and the tests below only read the results.
  await inParallel(chosen(), atOnce, async (cell) => {
    results.set(cell, await tryCell(cell));
  });
  // Other work on the machine can delay a step for seconds. A cell that failed must succeed twice by itself.
  for (const [cell, problems] of results) {
    if (problems.length === 0) continue;
    repeated.push(titleOf(cell));
    const again = [await tryCell(cell), await tryCell(cell)];
    results.set(cell, again.find((list) => list.length > 0) ?? []);
  }
}, 1_200_000);
afterAll(async () => {
  report();
  await azure.stop();
});

/** Without `--full`, half of the cells of the servers, each fault at least once on each leg. */
function chosen(): readonly Cell[] {
  if (only !== undefined) return cells.filter((cell) => new RegExp(only, 'u').test(titleOf(cell)));
  if (full) return cells;
  return cells.filter(({ leg, way, host, row }) => {
    if (leg === 'proxy' || entraFaults.includes(row)) return true;
    const turn = serverFaults.indexOf(row) + hostNames.indexOf(host) + (way === 'directly' ? 1 : 0);
    return turn % 2 === 0;
  });
}

async function makeTruths(): Promise<Readonly<Record<Leg, Truth>>> {
  const soon = Math.floor(Date.now() / 1000) + 3_600;
  const sign = (claims: object): Promise<string> =>
    azure.entra.sign({ iat: soon - 3_600, nbf: soon - 3_600, exp: soon, ver: '2.0', ...claims });
  const assertion = await sign({
    iss: `https://login.microsoftonline.com/${tenantIds.contoso}/v2.0`,
    aud: 'fb60f99c-7a34-4190-8149-302f77469936',
    sub: identities.runner.objectId,
    oid: identities.runner.objectId,
    tid: tenantIds.contoso,
  });
  // One answer serves both scopes, so its audience is a resource of neither.
  const app = (azp: string, tid: string): Promise<string> =>
    sign({ aud: 'api://hostile.example', azp, appid: azp, tid, idtyp: 'app' });
  const body = (token: string): string =>
    JSON.stringify({ token_type: 'Bearer', expires_in: 3599, expires_on: String(soon), access_token: token });
  const identity = {
    token: assertion,
    body: body(assertion),
    otherApp: body(assertion),
    otherTenant: body(assertion),
  };
  const own = await app(clientIds.deployer, tenantIds.contoso);
  const entra = {
    token: own,
    body: body(own),
    otherApp: body(await app(clientIds.multitenant, tenantIds.contoso)),
    otherTenant: body(await app(clientIds.deployer, tenantIds.fabrikam)),
  };
  return { identity, entra, proxy: entra };
}

async function tryCell({ leg, way, machine, host, row }: Cell): Promise<readonly string[]> {
  const truth = truths[leg];
  const server = await startHostileServer(row.misbehave(truth), {
    ...(leg === 'entra' && { certificate }),
  });
  const name = `entra-${server.port}.hostile.example`;
  azure.proxy.map(name, server.port);
  azure.proxy.map('good.hostile.example', Number(new URL(azure.entra.url).port));
  try {
    const run = await runStep({ host, ...settingOf(leg, way, machine, server, name) });
    runs.push(run);
    const problems = faultsOf(run, {
      budget: limit * 1000,
      slowness,
      secrets: secretsOf(truth, server),
      names: ['GRAPH_TOKEN'],
    });
    return [...problems, ...outcomeProblems(run, expectedOn(leg, row), truth, leg)];
  } finally {
    server.stop();
  }
}

function settingOf(
  leg: Leg,
  way: Cell['way'],
  machine: Cell['machine'],
  server: HostileServer,
  name: string,
) {
  const hostile = `http://127.0.0.1:${server.port}`;
  const environment = { ...azure.environment('machine', 'ca') };
  if (leg === 'identity' && machine === 'virtual-machine') {
    environment['AZURE_POD_IDENTITY_AUTHORITY_HOST'] = hostile;
  } else if (leg === 'identity') {
    environment['IDENTITY_ENDPOINT'] = `${hostile}/msi/token`;
    environment['IDENTITY_HEADER'] = headerSecret;
  }
  const authority =
    leg === 'entra'
      ? way === 'directly'
        ? `https://localhost:${server.port}`
        : `https://${name}`
      : way === 'directly'
        ? azure.entra.url
        : 'https://login.microsoftonline.com';
  const proxyUrl = leg === 'proxy' ? hostile : way === 'directly' ? undefined : azure.proxy.url;
  return {
    environment,
    inputs: { ...inputs, 'authority-host': authority },
    ...(proxyUrl !== undefined && { proxyUrl }),
  };
}

const headerSecret = 'b1946ac9-2492-4b1e-8f6d-hostile-header';

/** Every token that was on the way, from either side. */
function secretsOf(truth: Truth, server: HostileServer): readonly string[] {
  const tokenIn = (body: string): string => (JSON.parse(body) as { access_token: string }).access_token;
  const sent = server.requests().flatMap(({ text }) => /client_assertion=([\w.-]+)/u.exec(text)?.[1] ?? []);
  return [
    ...new Set([truth.token, tokenIn(truth.otherApp), tokenIn(truth.otherTenant), headerSecret, ...sent]),
  ];
}

function expectedOn(leg: Leg, { expected }: FaultRow): Expected {
  if (expected === 'token' || expected instanceof RegExp) return expected;
  return leg === 'identity' ? expected.identity : expected.entra;
}

function outcomeProblems(run: StepRun, expected: Expected, truth: Truth, leg: Leg): readonly string[] {
  if (expected !== 'token') {
    if (run.succeeded) return ['the step succeeded'];
    // What the hosts show first is short; the whole diagnosis stands before it.
    return expected.test(`${run.errors.join('\n')}\n${run.transcript.displayed}`)
      ? []
      : [`the message says something else: ${run.errors[0]}`];
  }
  // The assertion of a hostile machine is not one that Entra signed for this identity, so Entra's own words end it.
  if (leg === 'identity')
    return run.succeeded || /AADSTS/u.test(run.errors[0] ?? '') ? [] : [`no token: ${run.errors[0]}`];
  if (!run.succeeded) return [`no token: ${run.errors[0]}`];
  return run.outputs['access-token'] === truth.token
    ? []
    : ['another token than the server’s was handed over'];
}

function titleOf({ leg, way, machine, host, row }: Cell): string {
  const where = leg === 'identity' ? `identity (${machine})` : leg;
  return `${where}, ${way}, ${host}: ${row.title}`;
}

function report(): void {
  const most = (values: readonly number[]): number => Math.round(Math.max(...values));
  process.stderr.write(
    `${runs.length} cells, slowness ${slowness.toFixed(1)}, ${repeated.length} repeated: longest run ${most(runs.map(({ wall }) => wall))} ms with a limit of ${limit} s, ` +
      `longest time after the result ${most(runs.map(({ lingering }) => lingering))} ms, largest memory ${most(runs.map(({ peak }) => peak))} MiB, ` +
      `longest log ${most(runs.map(({ transcript }) => transcript.raw.stdout.length))} characters\n`,
  );
}

test('the table has at least 200 cells', () => {
  expect(chosen().length).toBeGreaterThanOrEqual(200);
});

describe('a fault ends in a token or in one clear error', () => {
  test.each(chosen().map((cell) => [titleOf(cell), cell] as const))('%s', (_, cell) => {
    expect(results.get(cell)).toEqual([]);
  });
});
