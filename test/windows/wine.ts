import { spawnSync } from 'node:child_process';
import { dirname, join, resolve } from 'node:path';

/** The Windows that `scripts/install-windows.sh` made. */

/** Its registry and its drive. The name is Wine's own: every process of that Windows has it in its environment. */
export const prefix = process.env['WINEPREFIX'] ?? resolve('build/windows/prefix');
/** `C:\` as Linux sees it. */
export const drive = join(prefix, 'drive_c');

const folder = dirname(prefix);
export const wine = '/usr/lib/wine/wine64';
export const nodeProgram = join(folder, 'node.exe');
export const standInProgram = join(folder, 'stand-in.exe');

/** A file of Linux by its name on Windows: Wine shows the whole machine as drive `Z:`. */
export function windowsPath(path: string): string {
  const [letter, rest] = path.startsWith(`${drive}/`) ? ['C:', path.slice(drive.length)] : ['Z:', path];
  return `${letter}${rest.replaceAll('/', '\\')}`;
}

/** The other way round, for files of drive `C:`. */
export function linuxPath(path: string): string {
  return join(drive, path.replace(/^C:/iu, '').replaceAll('\\', '/'));
}

/** Ends every process of that Windows, its own services too. */
export function shutDown(): void {
  for (const how of ['--kill', '--wait']) {
    spawnSync('/usr/lib/wine/wineserver', [how], { env: { ...process.env, WINEPREFIX: prefix } });
  }
}
