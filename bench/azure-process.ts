import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** How long each leg thinks before it answers, in milliseconds. */
export interface Delays {
  readonly identity: number;
  readonly entra: number;
}

export interface Addresses {
  /** Of the machine's metadata service. */
  readonly imds: string;
  readonly authority: string;
  /** Variables of the machine, and of its certificate authority. */
  readonly machine: Readonly<Record<string, string>>;
  /** Variables that lead clients of the public names to the embedded services. */
  readonly proxy: Readonly<Record<string, string>>;
}

export type Order = { readonly kind: 'begin'; readonly delays: Delays } | { readonly kind: 'count' };

/** What the process answers to each order, and once it has started. */
export interface Answers {
  readonly start: Addresses;
  readonly begin: 'ready';
  readonly count: number;
}

/** The embedded Azure, running beside us. */
export interface Azure {
  readonly addresses: Addresses;
  /** Sets the delays and forgets the requests so far. */
  begin(delays: Delays): Promise<void>;
  /** Requests since then. */
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
  const end = (): void => gone.abort(new Error('the embedded Azure has ended'));
  child.once('exit', end);
  try {
    const [answer] = (await once(child, 'message', { signal: gone.signal })) as [Answers[K]];
    return answer;
  } finally {
    child.off('exit', end);
  }
}
