import type { SecretMasker } from './secret-masker.ts';
import { type Annotation, type AnnotationLevel, EventLog, type Written } from './transcript.ts';

/** Both hosts keep ten issues of each type for a step. Source: actions/runner and azure-pipelines-agent `ExecutionContext.cs`. */
const keptIssues = 10;

export interface StepLogOptions {
  readonly masker: SecretMasker;
  /** The host's debug switch. */
  readonly debug: boolean;
  /** Longer issues are cut, in the log too. */
  readonly longestIssue?: number;
}

/** The log of one step, as both hosts write it: masked entries, issues, debug lines, and the events that tests wait for. */
export class StepLog<Event> {
  readonly events = new EventLog<Event>();
  /** One entry per write of the host. An entry can have several lines. */
  readonly entries: string[] = [];
  readonly annotations: Annotation[] = [];
  readonly issueCounts: Record<AnnotationLevel, number> = { error: 0, warning: 0, notice: 0 };
  readonly debugLines: string[] = [];
  readonly written: Written[] = [];
  readonly #options: StepLogOptions;

  constructor(options: StepLogOptions) {
    this.#options = options;
  }

  mask(text: string): string {
    return this.#options.masker.mask(text);
  }

  show(text: string): void {
    this.entries.push(this.mask(text));
  }

  debug(text: string): void {
    if (!this.#options.debug) return;
    this.debugLines.push(this.mask(text));
    this.show(`##[debug]${text}`);
  }

  /** Returns the message as the host stores it. */
  issue(level: AnnotationLevel, text: string, properties: Readonly<Record<string, string>> = {}): string {
    const message = this.mask(text).slice(0, this.#options.longestIssue);
    this.issueCounts[level] += 1;
    if (this.issueCounts[level] <= keptIssues) this.annotations.push({ level, message, properties });
    if (message !== '') this.show(`##[${level}]${message}`);
    return message;
  }
}
