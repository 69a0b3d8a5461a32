import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** How long each service waits before it answers, in milliseconds. */
export interface Delays {
  readonly identity: number;
  readonly entra: number;
}

export interface Addresses {
  /** The machine's metadata service. */
  readonly imds: string;
  readonly authority: string;
  /** Environment variables of the machine and its certificate authority. */
  readonly machine: Readonly<Record<string, string>>;
  /** Environment variables that lead requests for Azure's public names to the embedded services. */
  readonly proxy: Readonly<Record<string, string>>;
}

export type Order = { readonly kind: 'begin'; readonly delays: Delays } | { readonly kind: 'count' };

/** The answer to each order, and the message after the start. */
export interface Answers {
  readonly start: Addresses;
  readonly begin: 'ready';
  readonly count: number;
}

/** The embedded Azure, running in another process. */
export interface Azure {
  readonly addresses: Addresses;
  /** Sets the delays and resets the count of requests. */
  begin(delays: Delays): Promise<void>;
  /** The number of requests since `begin`. */
  requests(): Promise<number>;
  stop(): Promise<void>;
}

export async function startAzure(): Promise<Azure> {
  const child = fork(fileURLToPath(new URL('./azure.js', import.meta.url)));
  const addresses = await answerOf<'start'>(child);
  const ask = <K extends Order['kind']>(order: Order & { kind: K }): Promise<Answers[K]> => {
    const answer = answerOf<K>(child);
    child.send(order);
    return answer;
  };
  return {
    addresses,
    begin: async (delays) => {
      await ask({ kind: 'begin', delays });
    },
    requests: () => ask({ kind: 'count' }),
    async stop() {
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}

async function answerOf<K extends keyof Answers>(child: ChildProcess): Promise<Answers[K]> {
  const gone = new AbortController();
  const end = (): void => gone.abort(new Error('the embedded Azure has stopped'));
  child.once('exit', end);
  try {
    const [answer] = (await once(child, 'message', { signal: gone.signal })) as [Answers[K]];
    return answer;
  } finally {
    child.off('exit', end);
  }
}
