import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The licence notices of a bundle: of the project itself and of every package whose code is in the bundle.
 *
 * @param modules the paths of the bundle's modules: what comes before the first `node_modules` does not matter
 * @throws when a package has no file with its licence, so that somebody looks at it before it ships
 */
export function licenseNotices(root: string, modules: Iterable<string>): string {
  const notices = ['.', ...packageFolders(modules)].map((folder) => notice(root, folder));
  return `${notices.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

/** The folders of the packages that the modules belong to, sorted, each once. */
export function packageFolders(modules: Iterable<string>): readonly string[] {
  const folders = [...modules].flatMap(
    (path) => /node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+/u.exec(path)?.[0] ?? [],
  );
  return [...new Set(folders)].sort();
}

/** The first line of a package's notice. */
export function noticeTitle(root: string, folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as {
    readonly name: string;
    readonly version: string;
    readonly license?: string;
  };
  return `${name} ${version}, license: ${license ?? 'see below'}`;
}

function notice(root: string, folder: string): string {
  const files = readdirSync(join(root, folder)).filter((name) =>
    /^(?:licen[cs]e|copying|notice)/iu.test(name),
  );
  if (files.length === 0) throw new Error(`${folder} has no file with its license`);
  const texts = files.sort().map((name) => readFileSync(join(root, folder, name), 'utf8').trim());
  return [noticeTitle(root, folder), ...texts].join('\n\n').replaceAll('\r\n', '\n');
}
