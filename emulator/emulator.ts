import { armService } from './arm.ts';
import { startAzureRepos } from './azure-repos.ts';
import type { IssuedCertificate } from './certificate-authority.ts';
import { clouds } from './clouds.ts';
import { type ClusterIssuer, createClusterIssuer } from './cluster-issuer.ts';
import { clusterIssuer, worldFor } from './default-world.ts';
import { Delays } from './delays.ts';
import { entraService } from './entra.ts';
import { Faults } from './faults.ts';
import { FEEDS_HOST, type Feeds, startFeeds } from './feeds.ts';
import { graphService } from './graph.ts';
import { identityEndpointService } from './identity-endpoint.ts';
import { imdsService } from './imds.ts';
import { machineEnvironment } from './machine-environment.ts';
import { MachineTokenCache } from './machine-identities.ts';
import { type ProxyOptions, startProxy } from './proxy.ts';
import { REGISTRY_ISSUER, registryService } from './registry.ts';
import { type RecordedRequest, RequestLog } from './request-log.ts';
import { portsFrom, startService } from './service.ts';
import { createSigningKeys } from './signing-keys.ts';
import { openState } from './state.ts';
import type { World } from './world.ts';

export { entraError, type Fault } from './faults.ts';
export type { RecordedRequest } from './request-log.ts';

export interface EmulatorOptions {
  readonly proxy?: ProxyOptions;
  /** `https: true` serves the identity endpoint over TLS. Default: plain HTTP. */
  readonly identityEndpoint?: { readonly https?: boolean };
  /** The proxy listens on this port, and the services on the ports after it. Default: free ports. */
  readonly port?: number;
  /** A folder that keeps the certificate authority and Entra's key from start to start. */
  readonly state?: string;
  /** Called after each response, also when the connection was cut. */
  readonly onAnswer?: (request: RecordedRequest) => void;
}

export type EnvironmentPart = 'machine' | 'ca' | 'proxy';

/** A running embedded Azure. All services listen only on loopback, on free ports. */
export interface Emulator {
  readonly world: World;
  /** Applies to the next request. Clears the machine's token cache. */
  setWorld(next: World): void;

  /** `http://127.0.0.1:PORT`, for `AZURE_POD_IDENTITY_AUTHORITY_HOST`. Resets connections if the machine has no IMDS. */
  readonly imds: { readonly url: string };
  /** The endpoint of App Service and the other machines without IMDS. */
  readonly identityEndpoint: { readonly url: string; readonly header: string };
  /** `https://localhost:PORT`, for `authority-host`. */
  readonly entra: {
    readonly url: string;
    /** Signs any claims with Entra's key, for tests of what Entra rejects. */
    sign(claims: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>;
  };
  /**
   * Azure Container Registry. Its login servers have their public names, such as `contoso.azurecr.io`. They are
   * reachable through the proxy, or at `url` with the `Host` header of the login server.
   */
  readonly registry: {
    readonly url: string;
    /** The issuer and the certificate (PEM) that `distribution` needs to verify the tokens. */
    readonly tokenIssuer: string;
    tokenCertificate(): Promise<string>;
    /** Forwards `/v2/` of this login server to a registry on this loopback port (plain HTTP). */
    serve(loginServer: string, port: number): void;
  };
  /** Azure Repos. `dev.azure.com` and the organizations' older names are reachable through the proxy. */
  readonly azureRepos: {
    readonly url: string;
    /** Serves the bare repository in `folder` as `organization/project/_git/repository`. */
    serve(path: string, folder: string): void;
  };
  /** Azure Artifacts, without its package protocols: `serve` puts real feed software behind it. */
  readonly feeds: Pick<Feeds, 'serve'> & { readonly url: string };
  /** The OpenID Connect issuer of an AKS cluster. Its public name is reachable through the proxy. */
  readonly cluster: ClusterIssuer & { readonly url: string };
  /** Azure Resource Manager. */
  readonly arm: { readonly url: string };
  readonly graph: { readonly url: string };

  readonly ca: {
    readonly pem: string;
    /** The same in a file, for variables such as `NODE_EXTRA_CA_CERTS`. `stop()` deletes it, unless `state` keeps it. */
    readonly file: string;
    /** Issues a server certificate for these DNS names and IP addresses. */
    issue(names: readonly string[]): Promise<IssuedCertificate>;
  };

  readonly proxy: {
    /** `http://127.0.0.1:PORT`, without user name and password. */
    readonly url: string;
    /** The same with user name and password, percent-encoded, if the proxy requires them. */
    readonly urlWithUser: string;
    /** Maps another public host name to a loopback port. */
    map(host: string, port: number): void;
  };

  /**
   * The variables for a child process. Default: all parts. `machine` always contains a loopback
   * `AZURE_POD_IDENTITY_AUTHORITY_HOST`, for every machine, so that no client can reach a real metadata service.
   */
  environment(...parts: readonly EnvironmentPart[]): Record<string, string>;

  readonly requests: readonly RecordedRequest[];
  clearRequests(): void;
  /** Resolves with the next matching request, as soon as it arrives. */
  nextRequest(wanted?: (request: RecordedRequest) => boolean): Promise<RecordedRequest>;
  /** Resolves when the log holds this many matching requests, earlier ones included. */
  untilRequests(
    count: number,
    wanted?: (request: RecordedRequest) => boolean,
  ): Promise<readonly RecordedRequest[]>;

  readonly faults: Faults;
  readonly delays: Delays;

  /** Closes everything at once, including hanging connections, and deletes all files. */
  stop(): Promise<void>;
}

/** Starts the embedded Azure. Default: the default world of the public cloud. */
export async function startEmulator(
  world: World = worldFor('public'),
  options: EmulatorOptions = {},
): Promise<Emulator> {
  let current = world;
  const log = new RequestLog(options.onAnswer);
  const faults = new Faults();
  const delays = new Delays();
  const controls = { log, faults, delays, portOf: portsFrom(options.port) };
  const state = await openState(options.state);
  const { authority, caFile, entraKeys: keys, identityHeader: secret } = state;
  const tokens = new MachineTokenCache(keys);
  const registryKeys = once(() => createSigningKeys(REGISTRY_ISSUER));
  const { cluster, handler: clusterHandler, keys: clusterKeys } = createClusterIssuer(clusterIssuer);
  const registryPorts = new Map<string, number>();
  const allClouds = Object.values(clouds);
  const certificate = await authority.issue([
    'localhost',
    '127.0.0.1',
    ...allClouds.flatMap((cloud) => [...cloud.authorityHosts, ...cloud.armHosts, ...cloud.graphHosts]),
    ...allClouds.flatMap(({ registrySuffix }) =>
      registrySuffix === undefined ? [] : [`*.${registrySuffix}`, `*.westeurope.geo.${registrySuffix}`],
    ),
    new URL(clusterIssuer).hostname,
    'dev.azure.com',
    '*.visualstudio.com',
    FEEDS_HOST,
  ]);
  const currentWorld = (): World => current;
  const live = {
    get: currentWorld,
    set: (next: World): void => {
      current = next;
    },
  };

  const [imds, endpoint, entra, arm, graph, registry, azureRepos, feeds, issuer, proxy] = await Promise.all([
    startService('imds', imdsService(tokens, currentWorld), controls),
    startService(
      'identity-endpoint',
      identityEndpointService(tokens, currentWorld, secret),
      controls,
      options.identityEndpoint?.https === true ? certificate : undefined,
    ),
    startService('entra', entraService(keys, currentWorld, clusterKeys), controls, certificate),
    startService('arm', armService(keys, currentWorld), controls, certificate),
    startService('graph', graphService(keys, live), controls, certificate),
    startService(
      'registry',
      registryService(keys, registryKeys, currentWorld),
      controls,
      certificate,
      ({ url = '', headers: { host = '' } }) =>
        url.startsWith('/v2/') ? registryPorts.get(host.split(':')[0] ?? '') : undefined,
    ),
    startAzureRepos(keys, currentWorld, log, certificate),
    startFeeds(keys, currentWorld, log, certificate),
    startService('cluster-issuer', clusterHandler, controls, certificate),
    startProxy(options.proxy ?? {}, controls),
  ]).catch(async (error: unknown) => {
    // A port is in use.
    await state.release();
    throw error;
  });
  for (const cloud of allClouds) {
    for (const host of cloud.authorityHosts) proxy.map(host, entra.port);
    for (const host of cloud.armHosts) proxy.map(host, arm.port);
    for (const host of cloud.graphHosts) proxy.map(host, graph.port);
  }
  proxy.map('169.254.169.254', imds.port);
  proxy.map(new URL(clusterIssuer).hostname, issuer.port);
  proxy.map('dev.azure.com', azureRepos.port);
  proxy.map(FEEDS_HOST, feeds.port);
  const mapWorld = (): void => {
    for (const { loginServer } of current.registries) proxy.map(loginServer, registry.port);
    for (const { name } of current.organizations) {
      proxy.map(`${name}.visualstudio.com`, azureRepos.port);
    }
  };
  mapWorld();

  const plain = (port: number): string => `http://127.0.0.1:${port}`;
  const secure = (port: number): string => `https://localhost:${port}`;
  const endpointUrl = options.identityEndpoint?.https === true ? secure(endpoint.port) : plain(endpoint.port);
  const urlWithUser = withUser(plain(proxy.port), options.proxy);
  const parts: Readonly<Record<EnvironmentPart, () => Record<string, string>>> = {
    machine: () => machineEnvironment(current.machine.kind, plain(imds.port), endpointUrl, secret),
    // In this order: Node; OpenSSL, Go and .NET; Python's requests; curl.
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
      tokens.clear();
      mapWorld();
    },
    imds: { url: plain(imds.port) },
    identityEndpoint: { url: endpointUrl, header: secret },
    entra: { url: secure(entra.port), sign: keys.sign },
    registry: {
      url: secure(registry.port),
      tokenIssuer: REGISTRY_ISSUER,
      tokenCertificate: async () => pemCertificate((await registryKeys()).certificate),
      serve: (loginServer, port) => {
        registryPorts.set(loginServer, port);
      },
    },
    azureRepos: { url: secure(azureRepos.port), serve: azureRepos.serve },
    feeds: { url: secure(feeds.port), serve: feeds.serve },
    cluster: { ...cluster, url: secure(issuer.port) },
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
      const services = [imds, endpoint, entra, arm, graph, registry, azureRepos, feeds, issuer, proxy];
      await Promise.all(services.map((service) => service.close()));
      await state.release();
    },
  };
}

const ALL_PARTS: readonly EnvironmentPart[] = ['machine', 'ca', 'proxy'];

function withUser(url: string, { user, password = '' }: ProxyOptions = {}): string {
  if (user === undefined) return url;
  return url.replace('//', `//${encodeURIComponent(user)}:${encodeURIComponent(password)}@`);
}

/** Most tests never need these keys, and an RSA key takes a noticeable time. */
function once<T>(create: () => Promise<T>): () => Promise<T> {
  let created: Promise<T> | undefined;
  return () => {
    created ??= create();
    return created;
  };
}

function pemCertificate(base64: string): string {
  const lines = base64.match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}
