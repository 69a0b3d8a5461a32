import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { goodInputs, hostsUnderTest, runStepOn } from '../scenarios/hosts-under-test.ts';

let azure: Emulator;
let folder: string;
beforeAll(async () => {
  azure = await startEmulator();
  folder = mkdtempSync(join(tmpdir(), 'without-fetch-'));
});
afterAll(async () => {
  await azure.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Writes the names of every built-in module that the process loaded to a file, when it ends. */
const report = (file: string): string =>
  `process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(file)}, process.moduleLoadList.join('\\n')));`;

test.each(hostsUnderTest)('a step never loads undici: $title', async (host) => {
  const modules = join(folder, 'modules');
  const preload = join(folder, 'preload.cjs');
  writeFileSync(preload, report(modules));
  const { succeeded } = await runStepOn(host, azure, goodInputs, {
    environment: { NODE_OPTIONS: `--require=${preload}` },
  });
  expect(succeeded).toBe(true);
  const loaded = readFileSync(modules, 'utf8').split('\n');
  expect(loaded).toContain('NativeModule https');
  expect(loaded.filter((name) => name.includes('undici'))).toEqual([]);
});
