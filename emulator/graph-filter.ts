/** A property as filters see it. */
export type Property = string | readonly string[] | null;

type Filter = (value: Record<string, Property>) => boolean;

/** The forms of `$filter` that az and the SDKs send: https://learn.microsoft.com/graph/filter-query-parameter */
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

/** The predicate of a `$filter`; none means everything, `undefined` that the form is not known. */
export function filterOf(text: string | null): Filter | undefined {
  if (text === null || text === '') return () => true;
  for (const { pattern, filter } of forms) {
    const [, name, quoted] = pattern.exec(text) ?? [];
    if (name !== undefined && quoted !== undefined) return filter(name, quoted.replaceAll("''", "'"));
  }
  return undefined;
}
