import { request as httpRequest } from 'node:http';
import {
  isOnThisMachine,
  type MachineFacts,
  type MachineVariable,
  machineVariables,
} from '../exchange/machine.ts';
import { machinePath, secretHeader, tokenPath } from './protocol.ts';

/** Why the machine behind an endpoint of ours cannot be found. */
export interface OwnEndpointProblem {
  readonly kind: 'no-answer' | 'refused' | 'unusable-answer';
  /** Where the endpoint listens, or should. */
  readonly address: string;
  /** The system's own words, or what the answer has instead. From outside. */
  readonly found: string;
}

export class OwnEndpointError extends Error {
  override readonly name = 'OwnEndpointError';
  readonly code: OwnEndpointProblem['kind'];
  readonly detail: OwnEndpointProblem;

  constructor(detail: OwnEndpointProblem, options?: ErrorOptions) {
    super(`the identity endpoint of an earlier run does not name the machine: ${detail.kind}`, options);
    this.code = detail.kind;
    this.detail = detail;
  }
}

/** Whether `IDENTITY_ENDPOINT` names an endpoint of ours, which answers as the app and not as the machine. */
export function isOwnEndpoint({ IDENTITY_ENDPOINT: url = '' }: MachineFacts['variables']): boolean {
  return URL.canParse(url) && new URL(url).pathname === tokenPath;
}

/**
 * The machine itself. In an environment that has an endpoint of ours, that endpoint knows it.
 *
 * @throws OwnEndpointError if it does not say. Nothing else is asked then: IMDS could be another machine's
 */
export async function machineBehind(facts: MachineFacts): Promise<MachineFacts> {
  const { IDENTITY_ENDPOINT: url = '', IDENTITY_HEADER: secret = '' } = facts.variables;
  if (!isOwnEndpoint(facts.variables)) return facts;
  const { origin, host } = new URL(url);
  const fail = (kind: OwnEndpointProblem['kind'], found: string, cause?: unknown): never => {
    throw new OwnEndpointError({ kind, address: host, found }, { cause });
  };
  // Only `run` and `export` set this path, and only with this address.
  if (!isLoopbackOrigin(origin)) return fail('unusable-answer', url);
  const { status, body } = await askOwnEndpoint('GET', `${origin}${machinePath}`, secret).catch(
    (error: Error) => fail('no-answer', error.message, error),
  );
  if (status !== 200) return fail('refused', `HTTP ${status}`);
  const variables = readVariables(body) ?? fail('unusable-answer', 'no variables');
  const unsafe = addresses.find((name) => variables[name] && !isOnThisMachine(variables[name]));
  if (unsafe !== undefined) return fail('unusable-answer', `${unsafe}=${variables[unsafe]}`);
  if (isOwnEndpoint(variables)) return fail('unusable-answer', 'an endpoint of ours again');
  return { ...facts, variables };
}

function isLoopbackOrigin(origin: string): boolean {
  return /^http:\/\/127\.0\.0\.1:\d+$/u.test(origin);
}

/** Whether `url` is one that our endpoint gives to its clients, at the only address where it listens. */
export function isOwnAddress(url: string): boolean {
  return isOwnEndpoint({ IDENTITY_ENDPOINT: url }) && isLoopbackOrigin(new URL(url).origin);
}

/** The variables that say where the machine's token, and so the app's, comes from. */
const addresses = [
  'IDENTITY_ENDPOINT',
  'MSI_ENDPOINT',
  'IMDS_ENDPOINT',
  'AZURE_POD_IDENTITY_AUTHORITY_HOST',
] as const satisfies readonly MachineVariable[];

function readVariables(body: string): MachineFacts['variables'] | undefined {
  try {
    const { variables } = JSON.parse(body) as { readonly variables?: Readonly<Record<string, unknown>> };
    if (typeof variables !== 'object' || variables === null) return undefined;
    return Object.fromEntries(
      machineVariables.flatMap((name) => {
        const value = variables[name];
        return typeof value === 'string' && value !== '' ? [[name, value]] : [];
      }),
    );
  } catch {
    return undefined;
  }
}

/** Milliseconds. The endpoint answers this without asking anybody. */
const patience = 5_000;
const largestAnswer = 64 * 1024;

/**
 * One request to an endpoint of ours.
 *
 * @param limit milliseconds
 * @throws if there is no answer
 */
export function askOwnEndpoint(
  method: 'GET' | 'DELETE',
  url: string,
  secret: string,
  limit = patience,
): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      url,
      // An agent of its own never takes a proxy from the environment.
      { method, agent: false, headers: { [secretHeader]: secret }, signal: AbortSignal.timeout(limit) },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (text: string) => {
          body += text;
          if (body.length > largestAnswer) response.destroy(new Error('the answer is too large'));
        });
        response.once('error', reject);
        response.once('end', () => resolve({ status: response.statusCode ?? 0, body }));
      },
    );
    request.once('error', reject);
    request.end();
  });
}
