import { parseArgs } from 'node:util';
import { aadsts } from './aadsts.ts';
import { entraError, type Fault } from './faults.ts';
import type { Leg } from './request-log.ts';

/** What the command line asks for. */
export interface CliOptions {
  readonly port?: number;
  readonly state?: string;
  readonly envFile?: string;
  readonly log: boolean;
  readonly faults: readonly { readonly leg: Leg; readonly fault: Fault; readonly times: number }[];
  readonly delays: readonly { readonly legs: readonly Leg[]; readonly milliseconds: number }[];
  /** The inputs of the step to run. */
  readonly run?: Readonly<Record<string, string>>;
}

/** A mistake in the command line. The message says how to correct it. */
export class UsageError extends Error {}

export const help = `npm run emulator -- [options]

Runs an embedded Azure on this machine: a machine with managed identities, Microsoft Entra, Resource Manager, Graph,
container registries and blobs. It listens only on loopback and stops with Ctrl-C or SIGTERM.

  --run NAME=VALUE …   run the built action once, with these inputs, and stop. Names of apps, tenants and identities
                       can stand for their IDs. Defaults: the app deployer, the tenant contoso, the identity runner.
  --port PORT          the proxy listens on PORT and the services on the ports after it. Default: any free ports
  --state FOLDER       keep the certificate authority and the keys in FOLDER, for the next start
  --env-file FILE      write the environment variables to FILE (NAME=VALUE) when all services listen; remove it at the end
  --log                print a line for each request
  --fault SERVICE:WHAT[:TIMES]
                       answer the next TIMES requests (default: all) with a failure. May be repeated.
  --delay [SERVICE:]MILLISECONDS
                       answer later; without SERVICE all services, not the proxy. May be repeated.
  --help               this text

Services: entra, imds, identity-endpoint, arm, graph, registry, cluster-issuer, proxy

WHAT is one of:
  an AADSTS number     entra:53003   every code of docs/troubleshooting.md
  an HTTP status       imds:410, entra:503
  reset, hang, html, truncated, cut
  for imds             identity-not-found, multiple-identities, forwarded

Examples:
  npm run emulator -- --run client-id=deployer scopes=arm,graph
  npm run emulator -- --run client-id=wrong-subject
  npm run emulator -- --fault entra:90033:2 --log
  npm run emulator -- --port 9400 --state ~/.embedded-azure --env-file azure.env
`;

const services: readonly Leg[] = [
  'entra',
  'imds',
  'identity-endpoint',
  'arm',
  'graph',
  'registry',
  'cluster-issuer',
  'proxy',
];

const options = {
  help: { type: 'boolean' },
  run: { type: 'boolean' },
  port: { type: 'string' },
  state: { type: 'string' },
  'env-file': { type: 'string' },
  log: { type: 'boolean' },
  fault: { type: 'string', multiple: true },
  delay: { type: 'string', multiple: true },
} as const;

/**
 * @param absolute makes a path of the command line absolute
 * @throws UsageError
 */
export function parseCommandLine(
  args: readonly string[],
  absolute: (path: string) => string = (path) => path,
): CliOptions | 'help' {
  const { values, positionals } = parse(args);
  if (values.help === true) return 'help';
  if (values.run !== true && positionals.length > 0) {
    throw new UsageError(`"${positionals[0]}" is not an option. Inputs of the step follow --run.`);
  }
  return {
    log: values.log === true,
    faults: (values.fault ?? []).map(parseFault),
    delays: (values.delay ?? []).map(parseDelay),
    ...(values.port !== undefined && { port: parsePort(values.port) }),
    ...(values.state !== undefined && { state: absolute(values.state) }),
    ...(values['env-file'] !== undefined && { envFile: absolute(values['env-file']) }),
    ...(values.run === true && { run: Object.fromEntries(positionals.map(parseInput)) }),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
      const given = /'(--?[^' =]+)/u.exec(message)?.[1] ?? '';
      throw new UsageError(`There is no option ${given}.${suggestion(given, Object.keys(options), '--')}`);
    }
    if (code?.startsWith('ERR_PARSE_ARGS'))
      throw new UsageError(`${message.split('\n')[0]?.replace(/\.?$/u, '.')}`);
    throw error;
  }
}

function parseInput(argument: string): readonly [string, string] {
  const [, name, value] = /^([a-z][a-z-]*)=(.*)$/su.exec(argument) ?? [];
  if (name === undefined || value === undefined) {
    throw new UsageError(`"${argument}" is not an input. Write NAME=VALUE, for example client-id=deployer.`);
  }
  return [name, value];
}

function parsePort(text: string): number {
  const port = Number(text);
  // The services take the ports after it.
  if (!/^\d+$/u.test(text) || port < 1 || port > 65_520) {
    throw new UsageError(`--port ${text} is not a port from 1 to 65520.`);
  }
  return port;
}

function parseService(name: string, all: string): Leg {
  const service = services.find((one) => one === name);
  if (service !== undefined) return service;
  throw new UsageError(
    `${all} names no service: "${name}".${suggestion(name, services)} Services: ${services.join(', ')}.`,
  );
}

function parseFault(text: string): CliOptions['faults'][number] {
  const [name = '', what = '', times, ...rest] = text.split(':');
  const leg = parseService(name, `--fault ${text}`);
  const count = times === undefined ? Number.POSITIVE_INFINITY : Number(times);
  if (rest.length > 0 || !(count >= 1) || (times !== undefined && !/^\d+$/u.test(times))) {
    throw new UsageError(`--fault ${text} does not have the form SERVICE:WHAT[:TIMES].`);
  }
  return { leg, fault: faultOf(leg, what, text), times: count };
}

/** IMDS documents its errors by their text: https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token#error-handling */
const imdsError = (status: number, description: string): Fault => ({
  status,
  body: { error: 'invalid_request', error_description: description },
});

const imdsFaults: Readonly<Record<string, Fault>> = {
  'identity-not-found': imdsError(400, 'Identity not found'),
  'multiple-identities': imdsError(
    400,
    'Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request',
  ),
  forwarded: imdsError(400, 'Request with X-Forwarded-For is not allowed'),
};

const connectionFaults: Readonly<Record<string, Fault>> = {
  reset: { kind: 'reset' },
  hang: { kind: 'hang' },
  html: { kind: 'html', status: 200 },
  truncated: { kind: 'truncated' },
  cut: { kind: 'cut' },
};

function faultOf(leg: Leg, what: string, all: string): Fault {
  const named = connectionFaults[what] ?? (leg === 'imds' ? imdsFaults[what] : undefined);
  if (named !== undefined) return named;
  if (/^[1-5]\d\d$/u.test(what)) {
    const status = Number(what);
    return leg === 'imds' || leg === 'identity-endpoint'
      ? imdsError(status, `The embedded Azure was asked to answer ${status}.`)
      : {
          status,
          body: { error: { code: String(status), message: 'The embedded Azure was asked for this.' } },
        };
  }
  const code = /^(?:AADSTS)?(\d{5,7})$/iu.exec(what)?.[1];
  if (leg === 'entra' && code !== undefined) {
    if (code in aadsts) return entraError(Number(code));
    const codes = Object.keys(aadsts);
    throw new UsageError(
      `--fault ${all}: the embedded Azure does not know AADSTS${code}.${suggestion(code, codes)} It knows ${codes.join(', ')}.`,
    );
  }
  const names = [...Object.keys(connectionFaults), ...(leg === 'imds' ? Object.keys(imdsFaults) : [])];
  throw new UsageError(
    `--fault ${all}: "${what}" is no failure.${suggestion(what, names)} Use an HTTP status, ${leg === 'entra' ? 'an AADSTS number, ' : ''}or one of ${names.join(', ')}.`,
  );
}

function parseDelay(text: string): CliOptions['delays'][number] {
  const [time = '', name, ...rest] = text.split(':').reverse();
  if (!/^\d{1,6}$/u.test(time) || rest.length > 0) {
    throw new UsageError(`--delay ${text} does not have the form [SERVICE:]MILLISECONDS.`);
  }
  const legs =
    name === undefined ? services.filter((one) => one !== 'proxy') : [parseService(name, `--delay ${text}`)];
  return { legs, milliseconds: Number(time) };
}

/** ` Did you mean …?` for the nearest of the names, or nothing if none is near. */
export function suggestion(given: string, names: readonly string[], prefix = ''): string {
  const bare = given.replace(/^-+/u, '').toLowerCase();
  const [nearest] = names
    .map((name) => ({ name, distance: distance(bare, name.toLowerCase()) }))
    .sort((one, other) => one.distance - other.distance);
  const isNear =
    nearest !== undefined && nearest.distance <= Math.max(2, Math.floor(nearest.name.length / 3));
  return isNear ? ` Did you mean ${prefix}${nearest.name}?` : '';
}

/** The edit distance of Levenshtein. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...one].entries()) {
    const next = [index + 1];
    for (const [column, wanted] of [...other].entries()) {
      const replaced = (row[column] ?? 0) + (letter === wanted ? 0 : 1);
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
