import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { armService } from './arm.ts';
import { createCertificateAuthority, type IssuedCertificate } from './certificates.ts';
import { clouds } from './clouds.ts';
import { worldFor } from './default-world.ts';
import { Delays } from './delays.ts';
import { entraService } from './entra.ts';
import { Faults } from './faults.ts';
import { graphService } from './graph.ts';
import { identityEndpointService } from './identity-endpoint.ts';
import { imdsService } from './imds.ts';
import { machineEnvironment } from './machine-environment.ts';
import { MachineTokens } from './machine-tokens.ts';
import { type ProxyOptions, startProxy } from './proxy.ts';
import { type RecordedRequest, RequestLog } from './request-log.ts';
import { startService } from './service.ts';
import { createSigningKeys } from './signing-keys.ts';
import type { World } from './world.ts';

export { entraError, type Fault } from './faults.ts';
export type { RecordedRequest } from './request-log.ts';

export interface EmulatorOptions {
  readonly proxy?: ProxyOptions;
}

export type EnvironmentPart = 'machine' | 'ca' | 'proxy';

/** The embedded Azure, running. Everything listens on loopback only, on ports that were free. */
export interface Emulator {
  readonly world: World;
  /** Takes effect with the next request; tokens that the machine has cached are forgotten. */
  setWorld(next: World): void;

  /** `http://127.0.0.1:PORT`, for `AZURE_POD_IDENTITY_AUTHORITY_HOST`. Resets connections where the world's machine has no IMDS. */
  readonly imds: { readonly url: string };
  /** The endpoint of App Service and the other machines that have no IMDS. */
  readonly identityEndpoint: { readonly url: string; readonly header: string };
  /** `https://localhost:PORT`, usable as `authority-host`. */
  readonly entra: {
    readonly url: string;
    /** A JWT of any claims signed with Entra's own key, for tests of what Entra refuses. */
    sign(claims: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>;
  };
  readonly arm: { readonly url: string };
  readonly graph: { readonly url: string };

  readonly ca: {
    readonly pem: string;
    /** The same in a file, for `NODE_EXTRA_CA_CERTS` and its kin. Gone after `stop()`. */
    readonly file: string;
    /** A leaf certificate for these DNS names and IP addresses. */
    issue(names: readonly string[]): IssuedCertificate;
  };

  readonly proxy: {
    /** `http://127.0.0.1:PORT`, without user and password. */
    readonly url: string;
    /** The same with user and password, percent-encoded, when the proxy wants them. */
    readonly urlWithUser: string;
    /** Leads another public name to a loopback port. */
    map(host: string, port: number): void;
  };

  /**
   * The variables a child process needs; `undefined` parts: all three. `machine` always carries a loopback
   * `AZURE_POD_IDENTITY_AUTHORITY_HOST`, whatever the machine, so that no client can reach a real metadata service.
   */
  environment(...parts: readonly EnvironmentPart[]): Record<string, string>;

  readonly requests: readonly RecordedRequest[];
  clearRequests(): void;
  /** Resolves with the next request from now on that is wanted, on its arrival. */
  nextRequest(wanted?: (request: RecordedRequest) => boolean): Promise<RecordedRequest>;
  /** Resolves when this many wanted requests stand in the log, earlier ones included. */
  untilRequests(
    count: number,
    wanted?: (request: RecordedRequest) => boolean,
  ): Promise<readonly RecordedRequest[]>;

  readonly faults: Faults;
  readonly delays: Delays;

  /** Closes everything at once, hanging connections included, and removes what was written. */
  stop(): Promise<void>;
}

/** Starts the embedded Azure with this world, the default one of the public cloud when left out. */
export async function startEmulator(
  world: World = worldFor('public'),
  options: EmulatorOptions = {},
): Promise<Emulator> {
  let current = world;
  const log = new RequestLog();
  const faults = new Faults();
  const delays = new Delays();
  const surroundings = { log, faults, delays };
  const keys = await createSigningKeys();
  const authority = createCertificateAuthority();
  const tokens = new MachineTokens(keys);
  const secret = randomUUID();
  const publicHosts = Object.values(clouds);
  const certificate = authority.issue([
    'localhost',
    '127.0.0.1',
    ...publicHosts.flatMap((cloud) => [...cloud.authorityHosts, ...cloud.armHosts, ...cloud.graphHosts]),
  ]);
  const read = (): World => current;
  const live = {
    get: read,
    set: (next: World): void => {
      current = next;
    },
  };

  const [imds, endpoint, entra, arm, graph, proxy] = await Promise.all([
    startService('imds', imdsService(tokens, read), surroundings),
    startService('identity-endpoint', identityEndpointService(tokens, read, secret), surroundings),
    startService('entra', entraService(keys, read), surroundings, certificate),
    startService('arm', armService(keys, read), surroundings, certificate),
    startService('graph', graphService(keys, live), surroundings, certificate),
    startProxy(options.proxy ?? {}, surroundings),
  ]);
  for (const cloud of publicHosts) {
    for (const host of cloud.authorityHosts) proxy.map(host, entra.port);
    for (const host of cloud.armHosts) proxy.map(host, arm.port);
    for (const host of cloud.graphHosts) proxy.map(host, graph.port);
  }
  proxy.map('169.254.169.254', imds.port);

  const folder = await mkdtemp(join(tmpdir(), 'embedded-azure-'));
  const caFile = join(folder, 'ca.pem');
  await writeFile(caFile, authority.pem);

  const plain = (port: number): string => `http://127.0.0.1:${port}`;
  const secure = (port: number): string => `https://localhost:${port}`;
  const urlWithUser = withUser(plain(proxy.port), options.proxy);
  const parts: Readonly<Record<EnvironmentPart, () => Record<string, string>>> = {
    machine: () => machineEnvironment(current.machine.kind, plain(imds.port), plain(endpoint.port), secret),
    // One name for each family: Node; OpenSSL, Go and .NET; Python's requests; curl.
    ca: () => ({
      NODE_EXTRA_CA_CERTS: caFile,
      SSL_CERT_FILE: caFile,
      REQUESTS_CA_BUNDLE: caFile,
      CURL_CA_BUNDLE: caFile,
    }),
    proxy: () => ({
      HTTPS_PROXY: urlWithUser,
      https_proxy: urlWithUser,
      HTTP_PROXY: urlWithUser,
      http_proxy: urlWithUser,
    }),
  };

  return {
    get world() {
      return current;
    },
    setWorld(next) {
      current = next;
      tokens.forget();
    },
    imds: { url: plain(imds.port) },
    identityEndpoint: { url: plain(endpoint.port), header: secret },
    entra: { url: secure(entra.port), sign: keys.sign },
    arm: { url: secure(arm.port) },
    graph: { url: secure(graph.port) },
    ca: { pem: authority.pem, file: caFile, issue: authority.issue },
    proxy: { url: plain(proxy.port), urlWithUser, map: proxy.map },
    environment: (...wanted) =>
      Object.assign({}, ...(wanted.length > 0 ? wanted : ALL_PARTS).map((part) => parts[part]())),
    get requests() {
      return log.all;
    },
    clearRequests: () => log.clear(),
    nextRequest: (wanted) => log.next(wanted),
    untilRequests: (count, wanted) => log.atLeast(count, wanted),
    faults,
    delays,
    async stop() {
      await Promise.all([imds, endpoint, entra, arm, graph, proxy].map((service) => service.close()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const ALL_PARTS: readonly EnvironmentPart[] = ['machine', 'ca', 'proxy'];

function withUser(url: string, { user, password = '' }: ProxyOptions = {}): string {
  if (user === undefined) return url;
  return url.replace('//', `//${encodeURIComponent(user)}:${encodeURIComponent(password)}@`);
}
