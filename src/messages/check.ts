import { endOfTime, readClaims } from '../exchange/claims.ts';
import type { AppToken, Assertion, AssertionOrigin, ForwardProxy } from '../exchange/request.ts';
import type { Answered, TryEnded } from '../exchange/transport.ts';
import { isoSeconds } from '../handover/tokens.ts';
import type { ProcessFacts } from '../inputs/environment.ts';
import type { StepRequest } from '../inputs/read.ts';
import { actorWithBlueprint } from './agent-identities.ts';
import { duration, until } from './durations.ts';
import type { MessageContext } from './explanation.ts';
import { foreignAddress, foreignText } from './foreign-text.ts';

/** What `check` says: one text for each point that it looked at, and the list of all. */

type Secrets = MessageContext['secrets'];

/** What a point is about. */
export type PointKind =
  | 'settings'
  | 'machine'
  | 'endpoint'
  | 'identity'
  | 'entra'
  | 'tls'
  | 'clock'
  | 'trust'
  | 'blueprint'
  | 'scope';

/** A point that was found to be right, or wrong. */
export interface Point {
  readonly kind: PointKind;
  /** Which one, if there are several: a scope. */
  readonly subject?: string;
  readonly status: 'passed' | 'failed' | 'not-reached';
  /** What was found. A failure's whole text, with its cause and its fix. */
  readonly text: string;
  /** The same in parts, for programs. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

type Found = Pick<Point, 'text' | 'facts'>;

export const notReached: Found = { text: 'not reached' };

export function describeSettings(request: StepRequest): Found {
  const { clientId, agentIdentityId, tenantId, authorityHost } = request;
  return {
    text: `${actorWithBlueprint(request)} in tenant ${tenantId}, at ${new URL(authorityHost).host}`,
    facts: { clientId, ...(agentIdentityId !== undefined && { agentIdentityId }), tenantId, authorityHost },
  };
}

export function describeMachine(origin: AssertionOrigin, secrets: Secrets): Found {
  if (origin.kind !== 'managed-identity') {
    return {
      text: `the token in ${origin.path}; no identity endpoint is asked`,
      facts: { kind: 'token-file', path: origin.path },
    };
  }
  const { kind, because } = origin.machine;
  const endpoint = foreignAddress(origin.machine.endpoint, secrets);
  const name = {
    imds: 'virtual machine or scale set (IMDS)',
    'app-service': 'App Service or Container Apps',
  }[kind];
  return {
    text: `${name}, identity endpoint ${endpoint}, because ${because}`,
    facts: { kind, endpoint, because },
  };
}

export function describeEndpoint({ host, result, duration: took }: TryEnded): Found {
  return {
    text: `${host} answered ${result} after ${Math.round(took)} ms, asked directly`,
    facts: { host, answer: result, milliseconds: Math.round(took) },
  };
}

export function describeIdentity({ claims, expiresOn }: Assertion, secrets: Secrets): Found {
  const { clientId, subject, resourceId, tenantId } = claims;
  const known = shown({ clientId, objectId: subject, resourceId, tenantId }, secrets);
  const labels = {
    clientId: 'client ID',
    objectId: 'subject (object ID)',
    resourceId: 'resource ID',
    tenantId: 'tenant',
  };
  const parts = Object.entries(known).map(
    ([name, value]) => `${labels[name as keyof typeof labels]} ${value}`,
  );
  return {
    text: [...parts, `its token is valid until ${until(expiresOn)}`].join(', '),
    facts: { ...known, expiresOn: isoSeconds(expiresOn) },
  };
}

export function describeEntra(
  host: string,
  { proxy, because }: { readonly proxy?: ForwardProxy | undefined; readonly because: string },
): Found {
  const place = proxy && new URL(proxy.url).host;
  return {
    text: `${host} was reached ${place === undefined ? 'directly' : `through proxy ${place}`} (${because})`,
    facts: { host, proxy: place ?? null, because },
  };
}

export function describeTls(
  { host, certificate }: Answered,
  environment: ProcessFacts['environment'],
  secrets: Secrets,
): Found {
  const issuer = foreignText(certificate?.issuer ?? 'an issuer without a name', secrets, 200);
  const validTo = certificate && new Date(certificate.validTo);
  const end =
    validTo && validTo.getTime() > 0 && validTo.getTime() / 1000 < endOfTime
      ? isoSeconds(validTo)
      : undefined;
  const setting = authoritySetting(environment);
  return {
    text: `the certificate of ${host} is from ${issuer}${end === undefined ? '' : `, valid until ${end}`}; ${setting ?? 'trusted by Node’s own authorities, no setting adds any'}`,
    facts: { issuer, validTo: end ?? null, setting: setting ?? null },
  };
}

/** The settings by which Node trusts further authorities: https://nodejs.org/api/cli.html#node_extra_ca_certsfile */
function authoritySetting(environment: ProcessFacts['environment']): string | undefined {
  const { NODE_EXTRA_CA_CERTS: file, NODE_OPTIONS: options = '', NODE_USE_SYSTEM_CA: system } = environment;
  const settings = [
    ...(file ? [`NODE_EXTRA_CA_CERTS adds ${file}`] : []),
    ...(system === '1' ? ['NODE_USE_SYSTEM_CA=1 adds the system’s authorities'] : []),
    ...['--use-system-ca', '--use-openssl-ca']
      .filter((name) => options.split(/\s+/u).includes(name))
      .map((name) => `NODE_OPTIONS has ${name}`),
  ];
  return settings.length === 0 ? undefined : settings.join('; ');
}

/** Entra allows five minutes: https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-tokens. Milliseconds. */
const mostSkew = 5 * 60_000;
/** A server says its time in whole seconds, and its answer takes a while. */
const leastSkew = 2_000;

/** @param skew how much this machine's clock is ahead, in milliseconds; nothing if the server did not say its time */
export function describeClock({ host }: Answered, skew: number | undefined): Omit<Point, 'kind'> {
  if (skew === undefined) return { status: 'not-reached', text: `${host} does not say its time` };
  const off = Math.abs(skew);
  const side = skew > 0 ? 'ahead of' : 'behind';
  const facts = { secondsAhead: Math.round(skew / 1000) };
  if (off <= mostSkew) {
    const text =
      off < leastSkew
        ? `equal to that of ${host}`
        : `${duration(off)} ${side} that of ${host}, which is near enough`;
    return { status: 'passed', text, facts };
  }
  return {
    status: 'failed',
    text: [
      `This machine’s clock is ${duration(off)} ${side} that of ${host}.`,
      'Cause: Nothing sets this machine’s clock, or what sets it has another time. Entra and the tools allow five minutes.',
      'Fix: Start a time service, such as chrony or Windows Time: https://learn.microsoft.com/azure/virtual-machines/linux/time-sync',
    ].join('\n'),
    facts,
  };
}

export function describeTrust({ claims }: Assertion, request: StepRequest, secrets: Secrets): Found {
  const { issuer, subject, audience } = shown(
    { issuer: claims.issuer, subject: claims.subject, audience: request.audience },
    secrets,
  );
  const facts = { issuer, subject, audience };
  return {
    text: `${request.agentIdentityId === undefined ? 'app' : 'blueprint'} ${request.clientId} trusts issuer ${issuer ?? 'unknown'}, subject ${subject ?? 'unknown'}, audience ${audience}`,
    facts,
  };
}

/** The blueprint's token for its agent identity. */
export function describeBlueprint(
  { expiresOn }: Assertion,
  { clientId, agentIdentityId }: StepRequest,
): Found {
  return {
    text: `blueprint ${clientId} has a token for agent identity ${agentIdentityId ?? ''}, valid until ${until(expiresOn)}`,
    facts: { expiresOn: isoSeconds(expiresOn) },
  };
}

export function describeScope({ token, expiresOn }: AppToken, secrets: Secrets): Found {
  const claims = readClaims(token);
  const roles = strings(claims?.['roles'])?.map((role) => foreignText(role, secrets, 200));
  const text =
    claims === undefined
      ? 'the token’s claims cannot be read'
      : roles === undefined
        ? 'no roles in the token (roles of Azure RBAC never are)'
        : `roles in the token: ${roles.join(', ')}`;
  return {
    text: `granted, valid until ${until(expiresOn)}; ${text}`,
    facts: { expiresOn: isoSeconds(expiresOn), roles: roles ?? [] },
  };
}

export function describeRegistry({ expiresOn }: AppToken): Found {
  return {
    text: `granted, valid until ${until(expiresOn)}`,
    facts: { expiresOn: isoSeconds(expiresOn) },
  };
}

const statusLabels: Readonly<Record<Point['status'], string>> = {
  passed: 'passed',
  failed: 'FAILED',
  'not-reached': '-',
};

/** The list for people. Further lines of a text stand below its first. */
export function listPoints(points: readonly Point[]): string {
  const names = points.map(({ kind, subject }) => (subject === undefined ? kind : `${kind} ${subject}`));
  const width = Math.max(...points.map(({ kind }) => kind.length));
  return points
    .map(({ kind, subject, status, text }, index) => {
      const [first, ...more] = text.split('\n');
      const name = (names[index] ?? kind).padEnd(width);
      const separator = subject === undefined ? '  ' : ': ';
      return [
        `${statusLabels[status].padEnd(6)}  ${name}${separator}${first}`,
        ...more.map((line) => `        ${line}`),
      ].join('\n');
    })
    .join('\n');
}

/** What a token says is text from outside. */
function shown<Name extends string>(
  values: Readonly<Record<Name, string | undefined>>,
  secrets: Secrets,
): Readonly<Partial<Record<Name, string>>> {
  return Object.fromEntries(
    Object.entries<string | undefined>(values).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, foreignText(value, secrets, 300)]],
    ),
  ) as Readonly<Partial<Record<Name, string>>>;
}

function strings(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const texts = value.filter((one): one is string => typeof one === 'string');
  return texts.length === 0 ? undefined : texts;
}
