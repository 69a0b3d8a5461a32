import { type ObjectExpression, type Program, type Property, parse } from 'acorn';

/**
 * Puts the modules of a bundle in parentheses, so that V8 compiles them at once.
 *
 * What it does: a bundle is a table of functions, one for each module. `{1:(e,t)=>{…}}` becomes
 * `{1:(function(e,t){…})}`.
 * Why: V8 only pre-parses a function, and compiles it at its first call. Every module is called right after its file is
 * loaded, so that first pass is wasted. V8 compiles a function expression in parentheses at once
 * (https://v8.dev/blog/preparser#pife). The action needs 10 % less time on loopback (docs/benchmarks.md, "What was
 * tried").
 * What can break: if V8 drops this rule, the gain is lost and nothing else. If webpack writes its table differently,
 * nothing is marked.
 * What notices: `test/scripts/eager-compilation.test.ts` fails when a built bundle has no marked module, and when V8 no
 * longer compiles a marked function at once.
 *
 * @param code a minified bundle of webpack's: a minifier would remove the parentheses
 */
export function compileModulesEagerly(code: string, sourceType: 'module' | 'script'): string {
  const functions = moduleTables(parse(code, { ecmaVersion: 2022, sourceType })).flatMap(({ properties }) =>
    properties.flatMap((property) => marked(code, property as Property)),
  );
  // Replaces from the end of the text, so that the earlier positions stay valid.
  return functions
    .sort((a, b) => b.start - a.start)
    .reduce(
      (text, { start, end, marked: replacement }) => text.slice(0, start) + replacement + text.slice(end),
      code,
    );
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
  // V8 has the rule only for `function`. Webpack writes an arrow function only for a module that does not use `this`.
  const parameters = value.params.map((parameter) => code.slice(parameter.start, parameter.end)).join(',');
  const body = code.slice(value.body.start, value.body.end);
  return [{ start, end, marked: `(function(${parameters})${body})` }];
}

/** Webpack's tables of modules: objects whose keys are all numbers and whose values are all functions. */
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
