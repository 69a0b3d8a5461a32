import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { parse } from 'node:path';
import type { EndpointSettings, FromEndpoint, ToEndpoint } from '../endpoint/job-process.ts';
import { HandoverError, systemWords } from './errors.ts';
import { type JobEnvironment, variableOf } from './job-environment.ts';

/** Where an endpoint of ours listens, and what it accepts. */
export interface EndpointAddress {
  readonly url: string;
  readonly secret: string;
}

/** The background process of `export: managed-identity`, while the step that started it runs. */
export interface EndpointProcess {
  /** @throws HandoverError if it does not listen */
  start(settings: EndpointSettings): Promise<EndpointAddress>;
  /** From now on it runs longer than this step. @throws HandoverError if it has ended */
  keep(): Promise<void>;
  /** Ends it at once. */
  stop(): void;
}

/**
 * The variables that the process gets: certificate authorities, the temporary folder, and the host's tracking ID, by
 * which the host ends it when the job ends. Nothing else of the job, because the host reads and traces them then, and
 * other processes of this user can read them all the time.
 */
const passedOn = [
  'NODE_EXTRA_CA_CERTS',
  'NODE_USE_SYSTEM_CA',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'TEMP',
  'TMP',
  'TMPDIR',
  'RUNNER_TRACKING_ID',
  'VSTS_PROCESS_LOOKUP_ID',
  'SystemRoot',
];

/** Milliseconds. A busy machine needs less than one second. */
const patience = 30_000;

/** Starts the process, which then waits for its settings. */
export function forkEndpoint(program: string, environment: JobEnvironment): EndpointProcess {
  const child = fork(program, [], {
    // Not in the workspace, which could then not be removed on Windows.
    cwd: parse(program).root,
    detached: true,
    env: Object.fromEntries(
      passedOn.flatMap((name) => {
        const value = variableOf(environment, name);
        return value === '' ? [] : [[name, value]];
      }),
    ),
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    windowsHide: true,
  } as Parameters<typeof fork>[2]);
  // Looked at when somebody waits for the answer.
  let failure: unknown;
  child.on('error', (error) => {
    failure = error;
  });
  const ask = async <Kind extends FromEndpoint['kind']>(
    message: ToEndpoint,
    wanted: Kind,
  ): Promise<Extract<FromEndpoint, { kind: Kind }>> => {
    try {
      const answer = await answerTo(child, message);
      if (answer.kind === wanted) return answer as Extract<FromEndpoint, { kind: Kind }>;
      throw new Error(answer.kind === 'failed' ? answer.words : `unexpected answer ${answer.kind}`);
    } catch (error) {
      const detail = systemWords(failure ?? error);
      throw new HandoverError({ kind: 'endpoint-not-started', detail }, { cause: failure ?? error });
    }
  };
  return {
    start: async (settings) => {
      const { url, secret } = await ask({ kind: 'start', settings }, 'listening');
      return { url, secret };
    },
    keep: async () => {
      await ask({ kind: 'keep' }, 'kept');
      // Nothing of this process waits for it from here on.
      child.disconnect();
      child.unref();
    },
    stop: () => {
      child.kill('SIGKILL');
      if (child.connected) child.disconnect();
      child.unref();
    },
  };
}

/** @throws if the process ends or does not answer */
async function answerTo(child: ChildProcess, message: ToEndpoint): Promise<FromEndpoint> {
  if (!child.connected) throw new Error('the process has ended');
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, AbortSignal.timeout(patience)]);
  try {
    const ended = once(child, 'disconnect', { signal }).then(() => {
      throw new Error(`the process ended (${child.exitCode ?? child.signalCode ?? 'no exit code'})`);
    });
    const answered = once(child, 'message', { signal });
    child.send(message, () => undefined);
    const [answer] = await Promise.race([answered, ended]);
    return answer as FromEndpoint;
  } finally {
    over.abort();
  }
}
