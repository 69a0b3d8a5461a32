import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { clouds } from '../../src/azure/clouds.ts';
import { codeBlocks } from './documents.ts';

/** `infra/`: its commands against its files, and its files against the table of clouds. */

const page = readFileSync('infra/README.md', 'utf8');
const commands = codeBlocks(page)
  .filter(({ language }) => language === 'sh')
  .flatMap(({ code }) => code.replaceAll(/\\\n\s*/gu, ' ').split('\n'));
const read = (name: string): string => readFileSync(`infra/${name}`, 'utf8');
const bicepFiles = readdirSync('infra').filter((name) => name.endsWith('.bicep'));
const terraform = readdirSync('infra/terraform')
  .filter((name) => name.endsWith('.tf'))
  .map((name) => read(`terraform/${name}`))
  .join('\n');

interface Parameters {
  readonly all: readonly string[];
  readonly required: readonly string[];
}

function bicepParameters(text: string): Parameters {
  const declared = [...text.matchAll(/^param (\w+) \S+( =)?/gmu)];
  return {
    all: declared.map(([, name = '']) => name),
    required: declared.filter(([, , value]) => value === undefined).map(([, name = '']) => name),
  };
}

function terraformVariables(text: string): Parameters {
  const declared = [...text.matchAll(/^variable "(\w+)" \{\n([\s\S]*?)^\}/gmu)];
  return {
    all: declared.map(([, name = '']) => name),
    required: declared
      .filter(([, , body]) => !/^ {2}default /mu.test(body ?? ''))
      .map(([, name = '']) => name),
  };
}

describe('infra/README.md', () => {
  test.each(bicepFiles)('%s: its command gives the parameters that it has, and all that it needs', (name) => {
    const command = commands.find((line) => line.includes(`--template-file ${name} `));
    const [, assignments = ''] = command?.split('--parameters ') ?? [];
    const given = [...assignments.matchAll(/(?:^|\s)(\w+)=/gu)].map(([, parameter = '']) => parameter);
    const { all, required } = bicepParameters(read(name));
    expect(given).toEqual(expect.arrayContaining([...required]));
    expect(all).toEqual(expect.arrayContaining(given));
  });

  test('terraform: its command sets the variables that the files have, and all that they need', () => {
    const command = commands.find((line) => line.includes(' apply ')) ?? '';
    const given = [...command.matchAll(/-var (\w+)=/gu)].map(([, variable = '']) => variable);
    const { all, required } = terraformVariables(terraform);
    expect(given).toEqual(required);
    expect(all).toEqual(expect.arrayContaining(given));
  });

  test('the table has every file', () => {
    const listed = [...page.matchAll(/^\| \[`([^`]+)`\]/gmu)].map(([, name = '']) => name.replace('/', ''));
    expect(listed.sort()).toEqual(readdirSync('infra').filter((name) => name !== 'README.md'));
  });
});

/** Wrong values are accepted when the trust is created, and fail only at the exchange. */
describe.each(Object.values(clouds))('$azureCli', ({ authorityHost, audience }) => {
  test.each([
    ['set-up.sh', read('set-up.sh')],
    ['set-up-agent-identity.sh', read('set-up-agent-identity.sh')],
    ['identity-and-trust.bicep', read('identity-and-trust.bicep')],
    ['terraform', terraform],
  ])('%s has its sign-in address and audience', (_, text) => {
    expect(text.split(/[\s'"=]/u)).toEqual(expect.arrayContaining([authorityHost, audience]));
  });

  test('aks-pod-trust.bicep has its audience', () => {
    expect(read('aks-pod-trust.bicep')).toContain(`'${audience}'`);
  });
});
