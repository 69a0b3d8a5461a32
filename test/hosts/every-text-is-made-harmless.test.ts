import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { commandLineHost } from '../../src/hosts/command-line.ts';
import { github } from '../../src/hosts/github.ts';
import type { Host } from '../../src/hosts/host.ts';

type Writer = Pick<Host, 'info' | 'warning' | 'debug' | 'fail'>;

/** The task library writes a key file into the agent's folder when it is loaded. */
const folder = mkdtempSync(join(tmpdir(), 'harmless-'));
const own = { ...process.env };
let hosts: Readonly<Record<string, Writer>> = {};
beforeAll(async () => {
  process.env['AGENT_TEMPDIRECTORY'] = folder;
  const { azurePipelines } = await import('../../src/hosts/azure-pipelines.ts');
  Object.assign(process.env, { SYSTEM_DEBUG: 'true', RUNNER_DEBUG: '1' });
  const command = commandLineHost(new Map(), { debug: true, scopesOption: 'scopes' });
  hosts = { github, azurePipelines, command };
});
afterAll(() => {
  process.env = own;
  rmSync(folder, { recursive: true, force: true });
});

/** Clears the terminal, reverses a line, and is a command of either host. */
const hostile = 'words \u001b[2J\u202e ##[group]x';

describe.each(['github', 'azurePipelines', 'command'])('%s', (name) => {
  test.each(['info', 'warning', 'debug', 'fail'] as const)('%s', (kind) => {
    let text = '';
    const take = ((chunk: string) => {
      text += chunk;
      return true;
    }) as typeof process.stdout.write;
    const spies = [process.stdout, process.stderr].map((stream) =>
      jest.spyOn(stream, 'write').mockImplementation(take),
    );
    const exitCode = process.exitCode;
    try {
      hosts[name]?.[kind](hostile);
    } finally {
      for (const spy of spies) spy.mockRestore();
      process.exitCode = exitCode;
    }
    expect(text).toContain('words ');
    for (const part of ['\u001b', '\u202e', '##[group]']) expect(text).not.toContain(part);
  });
});
