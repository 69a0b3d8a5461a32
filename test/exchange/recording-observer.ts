import type { ExchangeObserver, Retrying, TryEnded } from '../../src/exchange/transport.ts';

export interface RecordingObserver extends ExchangeObserver {
  /** Everything that was reported, in order: the name of the event, with the secret or the leg. */
  readonly events: readonly string[];
  readonly secrets: readonly string[];
  readonly retries: readonly Retrying[];
  readonly tries: readonly TryEnded[];
}

export function recordingObserver(): RecordingObserver {
  const events: string[] = [];
  const secrets: string[] = [];
  const retries: Retrying[] = [];
  const tries: TryEnded[] = [];
  return {
    events,
    secrets,
    retries,
    tries,
    secret: (value) => {
      secrets.push(value);
      events.push(`secret ${value}`);
    },
    retrying: (retrying) => {
      retries.push(retrying);
      events.push(`retrying ${retrying.reason}`);
    },
    tryEnded: (ended) => {
      tries.push(ended);
      events.push(`try ${ended.result}`);
    },
    accepted: (leg) => void events.push(`accepted ${leg}`),
  };
}
