import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { unzipSync, zipSync } from 'fflate';
import { repositoryAddress } from './repository-address.ts';

/** A file of the package. */
export interface VsixPart {
  /** With forward slashes. */
  readonly name: string;
  readonly content: Uint8Array;
}

/** The Azure DevOps extension: `ado-task/` with the task's built bundles, as one `.vsix`. */
export interface Vsix {
  readonly path: string;
  readonly size: number;
  readonly parts: readonly VsixPart[];
}

/**
 * Packs the extension into `outputFolder`. Microsoft's `tfx` packs it. Its archive is then written again, sorted by
 * name and with fixed times, so that the same sources always give the same bytes.
 *
 * @param root the repository's folder
 * @throws with the output of `tfx` when it rejects a manifest, and when its archive cannot be read
 */
export async function packVsix(root: string, outputFolder: string): Promise<Vsix> {
  mkdirSync(outputFolder, { recursive: true });
  const tempFolder = mkdtempSync(join(resolve(outputFolder), 'tfx-'));
  try {
    await runTfx(root, tempFolder);
    const [packed, ...more] = readdirSync(tempFolder).filter((name) => name.endsWith('.vsix'));
    if (packed === undefined || more.length > 0) throw new Error('tfx did not write exactly one .vsix file');
    // The archive of tfx also lists folders, which the package format does not have.
    const parts = readVsix(join(tempFolder, packed)).filter(({ name }) => !name.endsWith('/'));
    const archive = zipSync(Object.fromEntries(parts.map(({ name, content }) => [name, content])), {
      level: 9,
      // A zip archive has local times. This is the format's first moment in whatever time zone the machine is.
      mtime: new Date(1980, 0, 1),
    });
    const path = join(outputFolder, `entra-app-token-${versionOf(root)}.vsix`);
    writeFileSync(path, archive);
    return { path, size: archive.length, parts };
  } finally {
    rmSync(tempFolder, { recursive: true, force: true });
  }
}

/**
 * The parts of a package, sorted by name.
 *
 * @throws when the file is not a zip archive or is damaged
 */
export function readVsix(path: string): VsixPart[] {
  return Object.entries(unzipSync(readFileSync(path)))
    .map(([name, content]) => ({ name, content }))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** Where the Marketplace's page leads. */
function links(repository: string | undefined): Readonly<Record<string, unknown>> {
  if (repository === undefined) return {};
  const file = (path: string) => `${repository}/blob/HEAD/${path}`;
  return {
    repository: { type: 'git', url: repository },
    links: {
      home: { uri: repository },
      getstarted: { uri: `${repository}#readme` },
      learn: { uri: file('docs/inputs.md') },
      support: { uri: file('docs/troubleshooting.md') },
      issues: { uri: `${repository}/issues` },
      license: { uri: file('LICENSE') },
    },
  };
}

async function runTfx(root: string, outputFolder: string): Promise<void> {
  const tfx = join(root, 'node_modules', 'tfx-cli', '_build', 'tfx-cli.js');
  const options = [
    ...['--root', join(root, 'ado-task'), '--manifest-globs', 'vss-extension.json'],
    ...['--output-path', outputFolder, '--no-prompt', '--no-color'],
    ...['--override', JSON.stringify(links(repositoryAddress(root)))],
  ];
  // With the user's home folder, tfx would read the defaults that are saved there.
  const env = { PATH: process.env['PATH'], HOME: outputFolder, USERPROFILE: outputFolder };
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [tfx, 'extension', 'create', ...options],
    { env },
  );
  // For a manifest that the marketplace would reject, tfx only prints a warning.
  const warning = /^.*(?:warning|invalid).*$/im.exec(`${stdout}\n${stderr}`)?.[0];
  if (warning !== undefined) throw new Error(`tfx: ${warning}`);
}

function versionOf(root: string): string {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  return version;
}
