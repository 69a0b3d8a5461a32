import { findWorker } from '../endpoint/watchdog.ts';
import type { MachineFacts } from '../exchange/machine.ts';
import type { ExchangeRequest } from '../exchange/request.ts';
import type { Host } from '../hosts/host.ts';
import type { StepRequest } from '../inputs/read.ts';
import { markerPath, removeMarker, writeMarker } from './endpoint-end.ts';
import { type EndpointAddress, forkEndpoint } from './endpoint-process.ts';
import { labelsOf } from './git-credential.ts';
import { type JobEnvironment, variableOf } from './job-environment.ts';
import type { EndpointRecord } from './removal.ts';

/** The identity endpoint of a job, while the step that gives it to the job runs. */
export interface JobEndpoint {
  /** What the clean-up must know at this time. */
  record(): EndpointRecord;
  /** Tells it what to serve. @throws HandoverError if its marker cannot be written */
  begin(exchange: ExchangeRequest, machine: MachineFacts): void;
  /** When it listens. @throws HandoverError if it does not */
  address(): Promise<EndpointAddress>;
  /** From now on it runs longer than this step. @throws HandoverError if it has ended */
  keep(): Promise<void>;
  /** Ends it: the step failed. */
  undo(): void;
}

/** Longer than any job. Milliseconds. */
const longestLife = 5 * 24 * 3_600_000;
/** Shortens it for a test. */
const lifeVariable = 'ENTRA_APP_TOKEN_ENDPOINT_SECONDS';

/** Starts the process early: it is ready when the exchange is. It knows nothing yet. */
export function startJobEndpoint(
  host: Pick<Host, 'inputLabel' | 'endpointProgram'>,
  request: StepRequest,
  environment: JobEnvironment,
  temporaryFolder: string,
): JobEndpoint {
  const marker = markerPath(temporaryFolder);
  const child = forkEndpoint(host.endpointProgram(), environment);
  let listening: Promise<EndpointAddress> | undefined;
  let at: EndpointAddress | undefined;
  return {
    record: () => ({ kind: 'endpoint', marker, ...(at && { at }) }),
    begin: (exchange, machine) => {
      writeMarker(marker);
      const worker = findWorker();
      listening = child.start({
        request,
        exchange,
        machine,
        labels: labelsOf((name) => host.inputLabel(name)),
        guard: { marker, lifetime: lifetimeIn(environment), ...(worker && { worker }) },
      });
      // Whoever needs the address hears of it.
      listening.catch(() => undefined);
    },
    address: async () => {
      if (listening === undefined) throw new Error('the endpoint has not begun');
      at = await listening;
      return at;
    },
    keep: () => child.keep(),
    undo: () => {
      child.stop();
      try {
        removeMarker(marker, temporaryFolder);
      } catch {
        // The clean-up tries it again.
      }
    },
  };
}

function lifetimeIn(environment: JobEnvironment): number {
  const seconds = Number(variableOf(environment, lifeVariable));
  return seconds > 0 ? Math.min(longestLife, seconds * 1000) : longestLife;
}
