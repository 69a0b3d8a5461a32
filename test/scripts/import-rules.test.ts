import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';

/** The rules of `.dependency-cruiser.mjs` on small trees: `npm run check:imports` must fail on what they forbid. */

const cruiser = join(process.cwd(), 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
const rules = join(process.cwd(), '.dependency-cruiser.mjs');
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** Checks a tree of files that each hold the given lines, and returns what the tool prints of each violation. */
function check(files: Readonly<Record<string, string>>): { exitCode: number | null; violations: string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'import-rules-'));
  folders.push(folder);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), `${text}\nexport const value = 1;\nexport type Shape = string;\n`);
  }
  const topLevel = [...new Set(Object.keys(files).map((path) => path.split('/')[0] ?? ''))];
  const { status, stdout, stderr } = spawnSync(process.execPath, [cruiser, '--config', rules, ...topLevel], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
  });
  if (stdout === '') throw new Error(stderr);
  return {
    exitCode: status,
    violations: [...stdout.matchAll(/^ {2}error (.+?)\s*$/gmu)].map(([, line = '']) => line).sort(),
  };
}

test('imports that run from the top to the bottom pass', () => {
  const { exitCode, violations } = check({
    'src/main/github.ts':
      "import '../step.ts'; import '../hosts/github.ts'; import '../handover/removal.ts';",
    'src/command/token.ts': "import '../messages/failures.ts'; import '../exchange/exchange.ts';",
    'src/step.ts':
      "import './handover/tools.ts'; import './inputs/read.ts'; import './messages/failures.ts';",
    'src/messages/failures.ts': "import type { Shape } from '../handover/tools.ts';",
    'src/handover/tools.ts': "import type { Shape } from '../inputs/read.ts'; import '../azure/clouds.ts';",
    'src/handover/removal.ts': "import '../hosts/host.ts';",
    'src/endpoint/server.ts': "import '../exchange/exchange.ts';",
    'src/inputs/read.ts': "import '../contract.ts'; import { value } from '../azure/clouds.ts';",
    'src/hosts/github.ts': "import './host.ts';",
    'src/hosts/host.ts': "import type { Shape } from '../contract.ts';",
    'src/exchange/exchange.ts': "import { createServer } from 'node:http';",
    'src/azure/clouds.ts': '',
    'src/contract.ts': '',
    'emulator/emulator.ts': '',
    'scripts/pages.ts': "import '../src/azure/clouds.ts'; import '../emulator/emulator.ts';",
  });
  expect(violations).toEqual([]);
  expect(exitCode).toBe(0);
});

test('imports against the rules fail, those of types and those at run time too', () => {
  const { exitCode, violations } = check({
    'src/step.ts': "import './command/token.ts';",
    'src/command/token.ts': "import '../main/command.ts';",
    'src/cleanup.ts': "import './main/command.ts';",
    'src/main/command.ts': "import '../../test/helper.ts';",
    'src/messages/failures.ts': "import '../step.ts';",
    'src/handover/tools.ts': "export const late = () => import('../messages/failures.ts');",
    'src/inputs/read.ts': "import type { Shape } from '../handover/tools.ts';",
    'src/endpoint/server.ts': "export * from '../handover/tools.ts';",
    'src/hosts/github.ts': "import { type Shape } from '../inputs/read.ts';",
    'src/exchange/exchange.ts': "import '../contract.ts'; import '../azure/clouds.ts';",
    'src/azure/clouds.ts': "export { value as other } from '../contract.ts';",
    'src/contract.ts': '',
    'src/utils/strings.ts': "import '../contract.ts';",
    'src/version.ts': '',
    'test/helper.ts': "import '../src/version.ts'; import './missing.ts';",
    'emulator/emulator.ts': "import type { Shape } from '../src/contract.ts';",
  });
  expect(violations).toEqual(
    [
      'emulator-knows-no-product: emulator/emulator.ts → src/contract.ts',
      'import-of-src-without-a-part: test/helper.ts → src/version.ts',
      'no-unresolved-import: test/helper.ts → ./missing.ts',
      'src-azure: src/azure/clouds.ts → src/contract.ts',
      'src-step: src/cleanup.ts → src/main/command.ts',
      'src-command: src/command/token.ts → src/main/command.ts',
      'src-endpoint: src/endpoint/server.ts → src/handover/tools.ts',
      'src-exchange: src/exchange/exchange.ts → src/azure/clouds.ts',
      'src-exchange: src/exchange/exchange.ts → src/contract.ts',
      'src-handover: src/handover/tools.ts → src/messages/failures.ts',
      'src-hosts: src/hosts/github.ts → src/inputs/read.ts',
      'src-inputs: src/inputs/read.ts → src/handover/tools.ts',
      'src-messages: src/messages/failures.ts → src/step.ts',
      'src-ships-alone: src/main/command.ts → test/helper.ts',
      'src-step: src/step.ts → src/command/token.ts',
      'src-without-a-part: src/utils/strings.ts → src/contract.ts',
    ].sort(),
  );
  expect(exitCode).toBeGreaterThan(0);
});

test('a cycle fails, also through a type and outside src', () => {
  const { exitCode, violations } = check({
    'src/exchange/retries.ts': "import type { Shape } from './transport.ts';",
    'src/exchange/transport.ts': "import { value as other } from './retries.ts';",
    'test/first.ts': "import './second.ts';",
    'test/second.ts': "import './third.ts';",
    'test/third.ts': "import './first.ts';",
  });
  expect(violations.filter((line) => line.includes('src/'))).toEqual([
    'no-cycles: src/exchange/retries.ts →',
  ]);
  expect(violations.filter((line) => line.includes('test/'))).toHaveLength(1);
  expect(exitCode).toBeGreaterThan(0);
});
