import type { ActionManifest } from './action-manifest.ts';

/**
 * Defaults from the manifest. An input that it does not declare is passed on with a warning; a deprecated one warns.
 * Source: actions/runner `ActionRunner.cs`.
 *
 * @throws when a default is an expression.
 */
export function mergeInputs(
  { inputs: declared = {} }: ActionManifest,
  given: Readonly<Record<string, string>>,
): { inputs: Record<string, string>; warnings: string[] } {
  const warnings: string[] = [];
  const inputs: Record<string, string> = { ...given };
  const givenNames = new Set(Object.keys(given).map((name) => name.toLowerCase()));
  for (const [name, { default: value = '', deprecationMessage }] of Object.entries(declared)) {
    if (String(value).includes('${{'))
      throw new Error(`This runner cannot evaluate the default of '${name}'.`);
    if (!givenNames.has(name.toLowerCase())) inputs[name] = String(value);
    else if (deprecationMessage !== undefined) {
      warnings.push(`Input '${name}' has been deprecated with message: ${deprecationMessage}`);
    }
  }
  const valid = Object.keys(declared);
  const validNames = new Set(valid.map((name) => name.toLowerCase()));
  const unexpected = Object.keys(given).filter((name) => !validNames.has(name.toLowerCase()));
  if (unexpected.length > 0) {
    warnings.push(
      `Unexpected input(s) '${unexpected.join("', '")}', valid inputs are ['${valid.join("', '")}']`,
    );
  }
  return { inputs, warnings };
}
