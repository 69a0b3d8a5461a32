import { join } from 'node:path';
import { type JobEnvironment, variableOf } from './job-environment.ts';

/** A program of Windows itself by its full path: what else the job's PATH leads to is not asked. */
export function windowsProgram(name: string, environment: JobEnvironment): string {
  return join(variableOf(environment, 'SystemRoot') || 'C:\\Windows', 'System32', name);
}
