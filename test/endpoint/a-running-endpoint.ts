import { afterEach } from '@jest/globals';
import type { Refusal } from '../../src/endpoint/protocol.ts';
import { type Endpoint, type EndpointOptions, startEndpoint } from '../../src/endpoint/server.ts';
import type { Budget } from '../../src/exchange/budget.ts';
import type { AppToken } from '../../src/exchange/request.ts';
import { type VirtualClock, virtualClock } from '../exchange/virtual-clock.ts';
import { ask, type EndpointAnswer } from './endpoint-client.ts';

export const appId = 'd3b10700-2222-4000-8000-000000000001';
export const minute = 60_000;
export const arm = 'https://management.azure.com';

export interface RunningEndpoint extends Endpoint {
  readonly port: number;
  readonly clock: VirtualClock;
  /** The scopes of all exchanges, in order. */
  readonly exchanges: readonly string[];
  readonly handOuts: readonly { readonly resource: string; readonly expiresOn: Date }[];
  readonly refusals: readonly Refusal[];
  /** Asks with the right header and version for `query`. */
  token(query: string): Promise<EndpointAnswer>;
}

/** An event that a test waits for, or lets happen. */
export function event<T = void>(): { readonly happened: Promise<T>; readonly happen: (value: T) => void } {
  let happen: (value: T) => void = () => undefined;
  const happened = new Promise<T>((resolve) => {
    happen = resolve;
  });
  return { happened, happen };
}

const running: Endpoint[] = [];
afterEach(async () => {
  for (const endpoint of running.splice(0)) {
    endpoint.stop();
    await endpoint.stopped;
  }
});

/** @param exchange answers in place of the exchange; its number starts at 1. Default: tokens that live for an hour */
export async function startTestEndpoint({
  exchange = async (_, number, clock) => ({
    token: `token-${number}`,
    expiresOn: new Date(clock.date() + 60 * minute),
  }),
  ...options
}: Partial<EndpointOptions> & {
  readonly exchange?: (
    scope: string,
    number: number,
    clock: VirtualClock,
    budget: Budget,
  ) => Promise<AppToken>;
} = {}): Promise<RunningEndpoint> {
  const clock = virtualClock();
  const exchanges: string[] = [];
  const handOuts: RunningEndpoint['handOuts'][number][] = [];
  const refusals: Refusal[] = [];
  const endpoint = await startEndpoint({
    clientId: appId,
    source: async () => ({
      token: (scope, budget) => {
        exchanges.push(scope);
        return exchange(scope, exchanges.length, clock, budget);
      },
    }),
    timeBudget: 2 * minute,
    machine: {},
    observer: {
      handedOut: (handOut) => void handOuts.push(handOut),
      refused: (refusal) => void refusals.push(refusal),
    },
    explain: async ({ kind }) => `because: ${kind}`,
    clock,
    ...options,
  });
  running.push(endpoint);
  return {
    ...endpoint,
    port: Number(new URL(endpoint.url).port),
    clock,
    exchanges,
    handOuts,
    refusals,
    token: (query) =>
      ask(`${endpoint.url}?api-version=2019-08-01&${query}`, { 'X-IDENTITY-HEADER': endpoint.secret }),
  };
}
