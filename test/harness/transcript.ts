/** What both hosts report about a step, so that a check such as "no secret leaks" is written once. */

export type AnnotationLevel = 'error' | 'warning' | 'notice';

export interface Annotation {
  readonly level: AnnotationLevel;
  /** Masked, as the host stores it. */
  readonly message: string;
  readonly properties: Readonly<Record<string, string>>;
}

/**
 * One thing that a step gave to its host, unmasked, and what the host made of it:
 * - `mask`: a request to hide a value
 * - `secret-variable`, `output`, `variable`: a value handed over under `name`; the host itself hides the first
 * - `text`: everything else
 */
export interface Written {
  /** Where it was, for messages: `stdout`, `GITHUB_OUTPUT`, … */
  readonly where: string;
  readonly text: string;
  readonly takenFor: 'text' | 'mask' | 'secret-variable' | 'output' | 'variable';
  readonly name?: string;
}

export interface Transcript {
  /** The step as the host names it in its log. */
  readonly title: string;
  readonly exitCode: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  /** Everything the process wrote, unmasked. */
  readonly raw: { readonly stdout: string; readonly stderr: string };
  /** The complete log as a person sees it: masked; commands are carried out and not shown. */
  readonly displayed: string;
  /** The lines of the log that only the host's debug switch shows, masked, without the tag. */
  readonly debugLines: readonly string[];
  readonly annotations: readonly Annotation[];
  readonly written: readonly Written[];
  /** A child of the step's process still held its output when the host stopped waiting for it. */
  readonly streamsLeftOpen: boolean;
}

/** An ordered list of events. A test can wait for one. */
export class EventLog<Event> {
  readonly events: Event[] = [];
  #waiting: {
    matches: (event: Event) => boolean;
    resolve: (event: Event) => void;
    reject: (error: Error) => void;
  }[] = [];
  #closed = false;

  add(event: Event): void {
    this.events.push(event);
    const met = this.#waiting.filter(({ matches }) => matches(event));
    this.#waiting = this.#waiting.filter((waiter) => !met.includes(waiter));
    for (const { resolve } of met) resolve(event);
  }

  /** The first event that matches, past or to come. Rejects when the step ends without one. */
  seen(matches: (event: Event) => boolean): Promise<Event> {
    const past = this.events.find(matches);
    if (past !== undefined) return Promise.resolve(past);
    if (this.#closed) return Promise.reject(new Error('The step ended without the expected event.'));
    return new Promise((resolve, reject) => this.#waiting.push({ matches, resolve, reject }));
  }

  close(): void {
    this.#closed = true;
    for (const { reject } of this.#waiting) reject(new Error('The step ended without the expected event.'));
    this.#waiting = [];
  }
}
