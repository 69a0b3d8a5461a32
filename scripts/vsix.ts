import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { readZip, writeZip, type ZipEntry } from './zip.ts';

/** The Azure DevOps extension: `ado-task/` with the task's built bundles, as one `.vsix`. */
export interface Vsix {
  readonly path: string;
  readonly size: number;
  readonly parts: readonly ZipEntry[];
}

/**
 * Packs the extension into `outputFolder`. The packer is Microsoft's tfx; its archive is written anew in the order
 * of the names and without times of day, so that the same sources give the same file.
 *
 * @param root the repository's folder
 * @throws with tfx's own words when it refuses a manifest, and when its archive cannot be read
 */
export async function packVsix(root: string, outputFolder: string): Promise<Vsix> {
  mkdirSync(outputFolder, { recursive: true });
  const workFolder = mkdtempSync(join(resolve(outputFolder), 'tfx-'));
  try {
    await runTfx(root, workFolder);
    const [packed, ...more] = readdirSync(workFolder).filter((name) => name.endsWith('.vsix'));
    if (packed === undefined || more.length > 0)
      throw new Error('tfx did not write the one .vsix that was expected');
    // The package format has parts, no folders; tfx's archive lists both.
    const parts = readZip(readFileSync(join(workFolder, packed)))
      .filter(({ name }) => !name.endsWith('/'))
      .sort((one, other) => (one.name < other.name ? -1 : 1));
    const archive = writeZip(parts);
    const path = join(outputFolder, `entra-app-token-${versionOf(root)}.vsix`);
    writeFileSync(path, archive);
    return { path, size: archive.length, parts };
  } finally {
    rmSync(workFolder, { recursive: true, force: true });
  }
}

async function runTfx(root: string, outputFolder: string): Promise<void> {
  const tfx = join(root, 'node_modules', 'tfx-cli', '_build', 'tfx-cli.js');
  const options = [
    ...['--root', join(root, 'ado-task'), '--manifest-globs', 'vss-extension.json'],
    ...['--output-path', outputFolder, '--no-prompt', '--no-color'],
  ];
  // A home of its own: tfx would read saved defaults from the user's.
  const env = { PATH: process.env['PATH'], HOME: outputFolder, USERPROFILE: outputFolder };
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [tfx, 'extension', 'create', ...options],
    { env },
  );
  // It warns about a manifest that the marketplace would refuse, and goes on.
  const complaint = /^.*(?:warning|invalid).*$/im.exec(`${stdout}\n${stderr}`)?.[0];
  if (complaint !== undefined) throw new Error(`tfx: ${complaint}`);
}

function versionOf(root: string): string {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  return version;
}
