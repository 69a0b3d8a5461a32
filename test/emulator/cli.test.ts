import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterEach, expect, test } from '@jest/globals';

const ENTRY = 'build/emulator/cli.js';
let child: ChildProcess | undefined;
afterEach(() => {
  child?.kill('SIGKILL');
});

test.each(['SIGINT', 'SIGTERM'] as const)(
  'npm run emulator says what to set, and at %s ends cleanly and leaves nothing behind',
  async (signal) => {
    const running = spawn(process.execPath, [ENTRY], { stdio: ['ignore', 'pipe', 'inherit'] });
    child = running;
    const ended = new Promise<number | null>((resolve) => running.once('close', resolve));
    const said = await new Promise<string>((resolve, reject) => {
      let text = '';
      running.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString('utf8');
        if (text.includes('Ctrl-C')) resolve(text);
      });
      running.once('close', () => reject(new Error(`ended too early:\n${text}`)));
    });
    for (const name of ['AZURE_POD_IDENTITY_AUTHORITY_HOST', 'HTTPS_PROXY', 'authority-host', 'deployer']) {
      expect(said).toContain(name);
    }
    const file = /NODE_EXTRA_CA_CERTS=(\S+)/.exec(said)?.[1] ?? '';
    expect(existsSync(file)).toBe(true);
    running.kill(signal);
    expect(await ended).toBe(0);
    expect(existsSync(file)).toBe(false);
  },
);
