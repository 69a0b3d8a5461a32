import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import type { Emulator } from '../../emulator/emulator.ts';
import { nodes } from '../harness/nodes.ts';
import { goodInputs, type Inputs, tokensIn } from '../scenarios/hosts-under-test.ts';

/** The file that users copy. */
export const commandFile = resolve('dist/command/index.js');

/** The Nodes that the command is tested on. */
export const commandNodes = nodes.filter(({ major }) => major === 20 || major === 24);

export interface CommandOutcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly node?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

/** The options that say who the machine is and which app it becomes, as words. */
export function identityWords(inputs: Inputs = {}): readonly string[] {
  return Object.entries({ ...goodInputs, ...inputs }).map(([name, value]) => `--${name}=${value}`);
}

export const environmentOf = (
  azure: Emulator | undefined,
  more: Readonly<Record<string, string>> = {},
): Record<string, string> => ({ PATH: process.env['PATH'] ?? '', ...azure?.environment(), ...more });

export function startCommand(
  azure: Emulator | undefined,
  words: readonly string[],
  { node = process.execPath, environment = {}, stdin = '' }: CommandOptions = {},
): { readonly child: ChildProcess; readonly ended: Promise<CommandOutcome> } {
  const child = spawn(node, [commandFile, ...words], {
    env: environmentOf(azure, environment),
    stdio: 'pipe',
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(stdin);
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<CommandOutcome>((done) =>
    child.once('close', (code) => {
      refuseTokens(stderr);
      done({ code, stdout, stderr });
    }),
  );
  return { child, ended };
}

/** Runs the command to its end. */
export const command = (...given: Parameters<typeof startCommand>): Promise<CommandOutcome> =>
  startCommand(...given).ended;

/** The one rule for every run of every test: stderr is for people, and no token is for them. */
function refuseTokens(stderr: string): void {
  if (tokensIn(stderr).length > 0) throw new Error('A token is on stderr.');
}

/** Who was asked, in order, apart from the proxy on the way. */
export const legsOf = (azure: Emulator): readonly string[] =>
  azure.requests.map(({ leg }) => leg).filter((leg) => leg !== 'proxy');
