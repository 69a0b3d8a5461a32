/** A property that a filter can compare. */
export type Property = string | readonly string[] | null;

type Filter = (value: Record<string, Property>) => boolean;

/** The forms of `$filter` that the Azure CLI and the SDKs send: https://learn.microsoft.com/graph/filter-query-parameter */
const forms: readonly {
  readonly pattern: RegExp;
  readonly filter: (name: string, text: string) => Filter;
}[] = [
  {
    pattern: /^(\w+) eq '((?:[^']|'')*)'$/,
    filter: (name, text) => (value) => value[name] === text,
  },
  {
    pattern: /^startswith\((\w+),\s*'((?:[^']|'')*)'\)$/i,
    filter: (name, text) => (value) => String(value[name] ?? '').startsWith(text),
  },
  {
    pattern: /^(\w+)\/any\(\w+:\s*\w+ eq '((?:[^']|'')*)'\)$/,
    filter: (name, text) => (value) => (value[name] ?? []).includes(text),
  },
];

/** Parses a `$filter`. An empty filter accepts everything. Returns `undefined` for a form that is not supported. */
export function parseFilter(text: string | null): Filter | undefined {
  if (text === null || text === '') return () => true;
  for (const { pattern, filter } of forms) {
    const [, name, quoted] = pattern.exec(text) ?? [];
    if (name !== undefined && quoted !== undefined) return filter(name, quoted.replaceAll("''", "'"));
  }
  return undefined;
}
