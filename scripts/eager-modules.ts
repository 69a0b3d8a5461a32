import { type ObjectExpression, type Program, type Property, parse } from 'acorn';

/**
 * Marks a bundle's modules for compilation at once. V8 first only skims a function and compiles it when it is called;
 * but every module of a bundle is called as soon as it is loaded, so the skimming is for nothing. A function
 * expression in parentheses is compiled right away (https://v8.dev/blog/preparser#pife). What it saves:
 * docs/benchmarks.md.
 *
 * @param code a bundle of webpack's, minified: minifiers take such parentheses away
 */
export function compileModulesAtOnce(code: string, sourceType: 'module' | 'script'): string {
  const functions = moduleTables(parse(code, { ecmaVersion: 2022, sourceType })).flatMap(({ properties }) =>
    properties.flatMap((property) => marked(code, property as Property)),
  );
  // From the end, so that the places before stay where they are.
  return functions
    .sort((a, b) => b.start - a.start)
    .reduce((text, { start, end, marked: eager }) => text.slice(0, start) + eager + text.slice(end), code);
}

interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly marked: string;
}

function marked(code: string, { value }: Property): readonly Replacement[] {
  const { start, end } = value;
  if (value.type === 'FunctionExpression') return [{ start, end, marked: `(${code.slice(start, end)})` }];
  if (value.type !== 'ArrowFunctionExpression' || value.body.type !== 'BlockStatement') return [];
  // The mark is for `function` alone. Webpack writes an arrow only where the module has no `this` of its own.
  const parameters = value.params.map((parameter) => code.slice(parameter.start, parameter.end)).join(',');
  const body = code.slice(value.body.start, value.body.end);
  return [{ start, end, marked: `(function(${parameters})${body})` }];
}

/** Objects whose keys are all numbers and whose values are all functions: webpack's modules by their number. */
function moduleTables(program: Program): readonly ObjectExpression[] {
  const found: ObjectExpression[] = [];
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) {
      for (const element of node) visit(element);
    } else if (typeof node === 'object' && node !== null) {
      if (isModuleTable(node)) found.push(node);
      else for (const child of Object.values(node)) visit(child);
    }
  };
  visit(program.body);
  return found;
}

function isModuleTable(node: object): node is ObjectExpression {
  const { type, properties } = node as Partial<ObjectExpression>;
  return (
    type === 'ObjectExpression' &&
    properties !== undefined &&
    properties.length > 0 &&
    properties.every(
      (property) =>
        property.type === 'Property' &&
        !property.method &&
        property.key.type === 'Literal' &&
        typeof property.key.value === 'number' &&
        /Function/u.test(property.value.type),
    )
  );
}
