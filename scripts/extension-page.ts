/** `npm run docs`: writes the tables of ado-task/overview.md, the extension's page in the Marketplace. */
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { parse } from 'yaml';
import { exportTargets, toolRows } from '../src/azure/tools.ts';
import { camelCase, outputNames } from '../src/contract.ts';

export const extensionPageFile = 'ado-task/overview.md';

/** The parts of the manifests that the page shows. */
interface TaskText {
  readonly inputs: readonly {
    readonly name: string;
    readonly required: boolean;
    readonly defaultValue: string;
    readonly helpMarkDown: string;
  }[];
}

interface ActionText {
  readonly outputs: Readonly<Record<string, { readonly description: string }>>;
}

/** The page with current tables. Each one replaces the table below its heading; the text around it stays. */
export function extensionPage(page: string): string {
  const task = JSON.parse(readFileSync('ado-task/EntraAppToken/task.json', 'utf8')) as TaskText;
  const action = parse(readFileSync('action.yml', 'utf8')) as ActionText;
  const tables: Readonly<Record<string, readonly (readonly string[])[]>> = {
    Inputs: [
      ['input', 'required', 'default', 'meaning'],
      ...task.inputs.map(({ name, required, defaultValue, helpMarkDown }) => [
        ...[`\`${name}\``, required ? 'yes' : 'no', defaultValue && `\`${defaultValue}\``, helpMarkDown],
      ]),
    ],
    Outputs: [
      ['variable', 'meaning'],
      ...outputNames.map((name) => [
        `\`$(${camelCase(name)})\``,
        ofTask(action.outputs[name]?.description ?? ''),
      ]),
    ],
    Export: [
      ['`export`', 'sets'],
      ...exportTargets.map((tool) => {
        const names = toolRows[tool].filter((row) => !('conflict' in row)).map(({ name }) => `\`${name}\``);
        return [`\`${tool}\``, names.join(', ')];
      }),
    ],
  };
  return Object.entries(tables).reduce(
    (text, [heading, rows]) =>
      text.replace(
        new RegExp(String.raw`(?<=^## ${heading}\n(?:(?!\||## ).*\n)*)(?:\|.*\n)+`, 'mu'),
        () => `${table(rows)}\n`,
      ),
    page,
  );
}

/** The action's text with the task's names. */
function ofTask(text: string): string {
  return text.replaceAll(/`([a-z]+(?:-[a-z]+)+)`/gu, (_, name: string) => `\`${camelCase(name)}\``);
}

/** With cells of equal width, as `npm run fix` would write it. */
function table([titles = [], ...rows]: readonly (readonly string[])[]): string {
  const widths = titles.map((_, column) =>
    Math.max(3, ...[titles, ...rows].map((cells) => cells[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(titles), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(extensionPageFile, extensionPage(readFileSync(extensionPageFile, 'utf8')));
}
