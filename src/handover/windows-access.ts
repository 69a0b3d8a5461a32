import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { JobEnvironment } from './job-environment.ts';
import { HandoverFailure, systemWords } from './problem.ts';
import { windowsProgram } from './windows-programs.ts';

const run = promisify(execFile);

/**
 * Windows knows no file modes: the directory's access list becomes the job's own user alone, and what is made in it
 * inherits that. The user goes by SID, which is the same in every language and for service accounts too.
 * https://learn.microsoft.com/windows-server/administration/windows-commands/icacls
 *
 * Written after the documentation; no test runs on Windows.
 *
 * @throws HandoverFailure when the access list cannot be set: nothing is written then
 */
export async function grantOwnAccessOnly(directory: string, environment: JobEnvironment): Promise<void> {
  try {
    const { stdout } = await run(windowsProgram('whoami.exe', environment), ['/user', '/fo', 'csv', '/nh']);
    const sid = /"(S-1-[0-9-]+)"/u.exec(stdout)?.[1];
    if (sid === undefined) throw new Error('whoami did not tell the user’s SID');
    await run(windowsProgram('icacls.exe', environment), [
      directory,
      '/inheritance:r',
      '/grant:r',
      `*${sid}:(OI)(CI)F`,
    ]);
  } catch (error) {
    throw new HandoverFailure({
      kind: 'not-written',
      what: 'access',
      path: directory,
      detail: systemWords(error),
    });
  }
}
