import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterEach, expect, test } from '@jest/globals';

const ENTRY = 'build/emulator/cli.js';
let child: ChildProcess | undefined;
afterEach(() => {
  child?.kill('SIGKILL');
});

test.each(['SIGINT', 'SIGTERM'] as const)(
  'npm run emulator prints the variables to set, and stops at %s without leaving files',
  async (signal) => {
    const running = spawn(process.execPath, [ENTRY], { stdio: ['ignore', 'pipe', 'inherit'] });
    child = running;
    const exited = new Promise<number | null>((resolve) => running.once('close', resolve));
    const printed = await new Promise<string>((resolve, reject) => {
      let text = '';
      running.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString('utf8');
        if (text.includes('Ctrl-C')) resolve(text);
      });
      running.once('close', () => reject(new Error(`exited too early:\n${text}`)));
    });
    for (const name of ['AZURE_POD_IDENTITY_AUTHORITY_HOST', 'HTTPS_PROXY', 'authority-host', 'deployer']) {
      expect(printed).toContain(name);
    }
    expect(printed).toContain('export NO_PROXY=127.0.0.1,localhost\n');
    const file = /NODE_EXTRA_CA_CERTS=(\S+)/.exec(printed)?.[1] ?? '';
    expect(existsSync(file)).toBe(true);
    running.kill(signal);
    expect(await exited).toBe(0);
    expect(existsSync(file)).toBe(false);
  },
);
