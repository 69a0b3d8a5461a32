import { StringDecoder } from 'node:string_decoder';

/**
 * Splits a stream into lines as both hosts do. .NET's `StreamReader.ReadLine` ends a line at LF, at CR LF, and at a
 * lone CR. Text after the last line break is a line when the stream ends.
 * Source: actions/runner `Runner.Sdk/ProcessInvoker.cs`, azure-pipelines-agent `Agent.Sdk/ProcessInvoker.cs`.
 */
export class LineReader {
  readonly #onLine: (line: string) => void;
  readonly #decoder = new StringDecoder('utf8');
  #pending = '';
  #skipLineFeed = false;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  write(chunk: Buffer): void {
    this.#take(this.#decoder.write(chunk));
  }

  end(): void {
    this.#take(this.#decoder.end());
    if (this.#pending !== '') this.#onLine(this.#pending);
    this.#pending = '';
  }

  #take(text: string): void {
    for (const character of text) {
      const afterReturn = this.#skipLineFeed;
      this.#skipLineFeed = character === '\r';
      if (character === '\n' && afterReturn) continue;
      if (character === '\n' || character === '\r') {
        const line = this.#pending;
        this.#pending = '';
        this.#onLine(line);
      } else {
        this.#pending += character;
      }
    }
  }
}
