/** Standard output does not take what is printed: nobody reads it any more, or a disk is full. */
export class OutputError extends Error {
  override readonly name = 'OutputError';
}

/** A stream without a listener ends the process with a stack. Lost messages are no reason to end a command. */
export function handleLostReaders(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}

/**
 * Prints to standard output. A pipe takes a text in parts; the process must not end before the last one.
 *
 * @throws OutputError
 */
export function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (error)
        reject(new OutputError(`Cannot write to standard output: ${error.message}.`, { cause: error }));
      else resolve();
    });
  });
}
