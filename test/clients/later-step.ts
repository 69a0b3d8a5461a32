import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobUnderTest } from '../scenarios/hosts-under-test.ts';

/** The result of a program that a later step of the job ran. Its output goes to the test, not into a log. */
export interface LaterStep {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface LaterStepOptions {
  /** `env:` of the step. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Default: the job's workspace. */
  readonly workingDirectory?: string;
}

/** Runs a program as a later step of the job would, with what the steps before it left in the environment. */
export async function laterStep(
  job: JobUnderTest,
  [program, ...words]: readonly [string, ...string[]],
  { environment = {}, workingDirectory }: LaterStepOptions = {},
): Promise<LaterStep> {
  const folder = mkdtempSync(join(tmpdir(), 'later-step-'));
  const file = join(folder, 'outcome.json');
  const options = { encoding: 'utf8', ...(workingDirectory !== undefined && { cwd: workingDirectory }) };
  try {
    await job.script(
      `import { spawnSync } from 'node:child_process';
      import { writeFileSync } from 'node:fs';
      const { status, stdout, stderr, error } = spawnSync(${[program, words, options].map((value) => JSON.stringify(value)).join(', ')});
      if (error) throw error;
      writeFileSync(${JSON.stringify(file)}, JSON.stringify({ code: status, stdout, stderr }));`,
      environment,
    );
    return JSON.parse(readFileSync(file, 'utf8')) as LaterStep;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a program that must succeed, and returns what it prints. */
export async function printedBy(...step: Parameters<typeof laterStep>): Promise<string> {
  const { code, stdout, stderr } = await laterStep(...step);
  if (code !== 0) throw new Error(`${step[1].join(' ')} ended with ${code}:\n${stderr}${stdout}`);
  return stdout;
}
