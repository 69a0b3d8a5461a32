import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import type { Emulator } from '../../emulator/emulator.ts';
import { goodInputs, type Inputs } from '../scenarios/hosts-under-test.ts';

/** What starts `run`. */
const runProgram: readonly [string, ...string[]] = [
  process.execPath,
  resolve('dist/command/index.js'),
  'run',
];

export interface RunOutcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartedRun {
  readonly child: ChildProcess;
  /** Resolves as soon as the command has printed this. */
  printed(text: string): Promise<void>;
  readonly ended: Promise<RunOutcome>;
}

export interface RunOptions {
  readonly inputs?: Inputs;
  readonly allow?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

/** The words that run a command with the app's tokens. */
export function runWords(command: readonly string[], { inputs = {}, allow = [] }: RunOptions = {}): string[] {
  return [
    ...runProgram,
    ...Object.entries({ ...goodInputs, ...inputs }).map(([name, value]) => `--${name}=${value}`),
    ...allow.map((scope) => `--allow=${scope}`),
    '--',
    ...command,
  ];
}

export function startRun(azure: Emulator, command: readonly string[], options: RunOptions = {}): StartedRun {
  const [program = '', ...words] = runWords(command, options);
  const child = spawn(program, words, {
    env: { PATH: process.env['PATH'] ?? '', ...azure.environment(), ...options.environment },
    stdio: 'pipe',
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.stdin ?? '');
  let [stdout, stderr] = ['', ''];
  const waiting = new Map<string, () => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    for (const [wanted, found] of waiting) if (stdout.includes(wanted)) found();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<RunOutcome>((done) =>
    child.once('close', (code, signal) => done({ code, signal, stdout, stderr })),
  );
  return {
    child,
    ended,
    printed: (text) =>
      Promise.race([
        new Promise<void>((found) => (stdout.includes(text) ? found() : waiting.set(text, found))),
        ended.then((outcome) =>
          Promise.reject(new Error(`${text} was not printed: ${JSON.stringify(outcome)}`)),
        ),
      ]),
  };
}

export const run = (...given: Parameters<typeof startRun>): Promise<RunOutcome> => startRun(...given).ended;

/** A command that asks for these resources, one after the other, and prints the answers as JSON. */
export function asking(...resources: readonly string[]): readonly string[] {
  return [
    process.execPath,
    '--input-type=module',
    '--eval',
    `const answers = [];
    for (const resource of ${JSON.stringify(resources)}) {
      const url = new URL(process.env.IDENTITY_ENDPOINT);
      url.search = new URLSearchParams({ 'api-version': '2019-08-01', resource, client_id: process.env.AZURE_CLIENT_ID });
      const response = await fetch(url, { headers: { 'X-IDENTITY-HEADER': process.env.IDENTITY_HEADER } });
      answers.push({ status: response.status, ...(await response.json()) });
    }
    console.log(JSON.stringify(answers));`,
  ];
}
