import { isOtherResource } from './azure/scope-aliases.ts';
import { machineBehind } from './endpoint/own-endpoint.ts';
import { ExchangeError } from './exchange/errors.ts';
import { detectMachine, type Machine } from './exchange/machine.ts';
import type {
  AssertionOrigin,
  Exchanged,
  ExchangeRequest,
  ForwardProxy,
  Registry,
} from './exchange/request.ts';
import type { ExchangeObserver } from './exchange/transport.ts';
import type { PublishedToken } from './handover/tokens.ts';
import type { Host } from './hosts/host.ts';
import { isShownAudience } from './inputs/authority.ts';
import { exposeMachineVariables, type ProcessFacts, prepareProcess } from './inputs/environment.ts';
import { StepDeclined } from './inputs/errors.ts';
import type { StepRequest } from './inputs/read.ts';
import type { MessageContext } from './messages/explanation.ts';

/** What a step and a command do alike between reading their inputs and the exchange. */
export type SessionHost = Pick<
  Host,
  'registerSecret' | 'info' | 'warning' | 'isDebug' | 'debug' | 'proxyFor' | 'certificateAuthority'
>;

/** What messages need to know, while secrets are still added to it. */
export type RunContext = MessageContext & { readonly secrets: Set<string> };

/** The way to each server. */
export interface Routes {
  readonly proxy?: ForwardProxy;
  readonly registries: readonly Registry[];
}

/**
 * Reads the proxies. To be called before `prepareSession`, which removes the variables that name them.
 *
 * @throws HostSettingError if a setting cannot be used
 */
export async function chooseRoutes(host: SessionHost, request: StepRequest): Promise<Routes> {
  const shown = new Set<string>();
  const proxy = await chooseProxy(host, request.authorityHost, shown);
  const registries: Registry[] = [];
  for (const registry of request.registries) {
    const way = await chooseProxy(host, `https://${registry.loginServer}`, shown);
    registries.push({ ...registry, ...(way && { proxy: way }) });
  }
  return { registries, ...(proxy && { proxy }) };
}

/** @param shown notices that the log already has: every address meets the same settings */
async function chooseProxy(
  host: SessionHost,
  address: string,
  shown: Set<string>,
): Promise<ForwardProxy | undefined> {
  const { proxy, because, notices, remarks } = await host.proxyFor(new URL(address));
  for (const notice of notices.filter((text) => !shown.has(text))) {
    shown.add(notice);
    host.info(notice);
  }
  for (const remark of remarks) host.debug(remark);
  host.debug(
    proxy === undefined
      ? `Proxy to ${address}: none (${because}).`
      : `Proxy to ${address}: ${new URL(proxy.url).host} (${because}).`,
  );
  return proxy;
}

/**
 * Prepares the process for its libraries, once.
 *
 * @throws StepDeclined if the verification of certificates is off
 */
export function prepareSession(): ProcessFacts {
  const facts = prepareProcess(process.env);
  if (facts.tlsVerificationOff) throw new StepDeclined('tls-verification-off');
  return facts;
}

/**
 * The facts of this process, with the machine's own endpoint in place of one of ours.
 *
 * @throws ExchangeError if our endpoint does not answer
 */
export async function findRealMachine(
  { origin, exports }: StepRequest,
  facts: ProcessFacts,
): Promise<ProcessFacts> {
  // A new endpoint must name the machine too, and not an endpoint before it.
  if (origin.kind !== 'managed-identity' && !exports.includes('managed-identity')) return facts;
  return { ...facts, machine: await machineBehind(facts.machine) };
}

/** What the exchange needs: its request, and the observer that tells `host` what happens. */
export interface PreparedExchange {
  readonly request: ExchangeRequest;
  readonly observer: ExchangeObserver;
}

/** @throws ExchangeError if the machine cannot be used */
export async function prepareExchange(
  host: SessionHost,
  request: StepRequest,
  { proxy, registries }: Routes,
  facts: ProcessFacts,
  secrets: Set<string>,
): Promise<PreparedExchange> {
  const origin = await findOrigin(host, request, facts, secrets);
  const certificateAuthority = readCertificateAuthority(host);
  // A server repeats it, and an audience that is no known one may be a secret in the wrong input.
  if (!isShownAudience(request.audience)) secrets.add(request.audience);
  const { audience, authorityHost, tenantId, clientId, agentIdentityId, scopes, timeBudget } = request;
  return {
    request: {
      origin,
      audience,
      isOtherResource,
      authorityHost,
      tenantId,
      clientId,
      ...(agentIdentityId !== undefined && { agentIdentityId }),
      scopes,
      registries,
      timeBudget,
      ...(proxy && { proxy }),
      ...(certificateAuthority !== undefined && { certificateAuthority }),
    },
    observer: observeExchange(host, secrets),
  };
}

/** The machine is looked for only if its identity is wanted. */
async function findOrigin(
  host: SessionHost,
  { origin }: StepRequest,
  facts: ProcessFacts,
  secrets: Set<string>,
): Promise<AssertionOrigin> {
  if (origin.kind === 'token-file') {
    await debug(host, ({ debugTokenFile }) => debugTokenFile(origin.path));
    return origin;
  }
  return { ...origin, machine: await findMachine(host, facts, secrets) };
}

async function findMachine(host: SessionHost, facts: ProcessFacts, secrets: Set<string>): Promise<Machine> {
  const machine = detectMachine(facts.machine);
  if (!('endpoint' in machine)) throw new ExchangeError(machine);
  if (machine.secret !== undefined) {
    secrets.add(machine.secret);
    host.registerSecret(machine.secret);
  }
  exposeMachineVariables(process.env, machine.variables);
  await debug(host, ({ debugMachine }) => debugMachine(machine, secrets));
  return machine;
}

function readCertificateAuthority(host: SessionHost): string | undefined {
  const authority = host.certificateAuthority();
  if (authority?.kind === 'unreadable') {
    host.warning(
      `Cannot read ${authority.setting}, ${authority.path}: ${authority.detail}. The step continues without it. In a container job, mount the file at the same path.`,
    );
  }
  return authority?.kind === 'certificate' ? authority.pem : undefined;
}

function observeExchange(host: SessionHost, secrets: Set<string>): ExchangeObserver {
  let announced = false;
  return {
    secret: (value) => {
      if (secrets.has(value)) return;
      secrets.add(value);
      host.registerSecret(value);
    },
    retrying: (retrying) => {
      // Many scopes may meet the same missing trust: it is announced once.
      if (retrying.announce && announced) return;
      announced ||= retrying.announce;
      void import('./messages/progress.ts').then(({ describeRetry, describeTrustRetry }) =>
        host.info(retrying.announce ? describeTrustRetry(retrying) : describeRetry(retrying)),
      );
    },
    tryEnded: (ended) => void debug(host, ({ debugTry }) => debugTry(ended, secrets)),
    accepted: (token, claims) => void debug(host, ({ debugClaims }) => debugClaims(token, claims, secrets)),
  };
}

/** The texts of debug lines are loaded only if the host shows them. */
export async function debug(
  host: SessionHost,
  write: (texts: typeof import('./messages/progress.ts')) => string,
): Promise<void> {
  if (host.isDebug()) host.debug(write(await import('./messages/progress.ts')));
}

/** The tokens that the user asked for, in the order of the lines. */
export function publishedTokens(
  request: StepRequest,
  { tokens, registryTokens }: Exchanged,
): readonly PublishedToken[] {
  return request.published.map(({ scope, registry, written, name }) => {
    const token = registry === undefined ? tokens.get(scope) : registryTokens.get(registry);
    if (token === undefined) throw new Error(`no token for ${written}`);
    return { ...token, written, ...(name !== undefined && { name }) };
  });
}
