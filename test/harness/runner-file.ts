/**
 * The format of `GITHUB_OUTPUT`, `GITHUB_ENV` and `GITHUB_STATE`: `NAME=VALUE` lines, and
 * `NAME<<DELIMITER` blocks that a line with nothing but the delimiter ends.
 * Source: actions/runner `Runner.Worker/FileCommandManager.cs`, `EnvFileKeyValuePairs`; on Linux a line ends at LF.
 */
export interface FileEntry {
  readonly name: string;
  readonly value: string;
}

/**
 * Yields the entries one by one, so that those before a malformed one count, as in the runner.
 * @throws in the runner's words when a line has neither form, or a block has no end.
 */
export function* readFileEntries(text: string): Generator<FileEntry> {
  let rest = text.replace(/^\ufeff/u, '');
  const nextLine = (): { line: string; ended: boolean } | undefined => {
    if (rest === '') return undefined;
    const end = rest.indexOf('\n');
    const line = end < 0 ? rest : rest.slice(0, end);
    rest = end < 0 ? '' : rest.slice(end + 1);
    return { line, ended: end >= 0 };
  };

  for (let next = nextLine(); next !== undefined; next = nextLine()) {
    const { line } = next;
    if (line === '') continue;
    const equals = line.indexOf('=');
    const heredoc = line.indexOf('<<');
    if (equals >= 0 && (heredoc < 0 || equals < heredoc)) {
      yield { name: line.slice(0, equals), value: line.slice(equals + 1) };
      continue;
    }
    if (heredoc < 0) throw new Error(`Invalid format '${line}'`);
    const name = line.slice(0, heredoc);
    const delimiter = line.slice(heredoc + 2);
    if (name === '' || delimiter === '') {
      throw new Error(`Invalid format '${line}'. Name must not be empty and delimiter must not be empty`);
    }
    const lines: string[] = [];
    for (let inner = nextLine(); ; inner = nextLine()) {
      if (inner?.line === delimiter) break;
      if (inner === undefined) throw new Error(`Invalid value. Matching delimiter not found '${delimiter}'`);
      if (!inner.ended) throw new Error('Invalid value. EOF marker missing new line.');
      lines.push(inner.line);
    }
    yield { name, value: lines.join('\n') };
  }
}
