/** What a release changes in the repository: package.json's version, and everything that follows from it. */

/** Three numbers: the Marketplace of Azure DevOps accepts no other form. */
export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

export function parseVersion(text: string): Version | undefined {
  const [, major, minor, patch] = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$/u.exec(text) ?? [];
  if (patch === undefined) return undefined;
  return { major: Number(major), minor: Number(minor), patch: Number(patch) };
}

function versionText({ major, minor, patch }: Version): string {
  return `${major}.${minor}.${patch}`;
}

/** The versions that can follow: a typing error is then rarely a version. */
export function nextVersions({ major, minor, patch }: Version): readonly string[] {
  return [
    { major, minor, patch: patch + 1 },
    { major, minor: minor + 1, patch: 0 },
    { major: major + 1, minor: 0, patch: 0 },
  ].map(versionText);
}

interface Place {
  /** The files that have the place, by their path from the repository's root. */
  readonly files: RegExp;
  readonly pattern: RegExp;
  readonly replacement: (version: Version) => string;
  /** How often a file has it. A document has a place as often as it wants. */
  readonly times?: number;
}

/** What people copy, and the tests that read it. */
const copied = /^(?:README\.md|ado-task\/overview\.md|(?:docs|examples)\/.+\.(?:md|yml)|test\/.+\.ts)$/u;
const manifests = /^ado-task\/.+\.json$/u;

const places: readonly Place[] = [
  {
    files: /^package\.json$|^ado-task\/vss-extension\.json$/u,
    pattern: /(?<=^ {2}"version": ")[^"]+/gmu,
    replacement: versionText,
    times: 1,
  },
  {
    files: /^package-lock\.json$/u,
    pattern: /(?<="name": "entra-app-token",\n\s+"version": ")[^"]+/gu,
    replacement: versionText,
    times: 2,
  },
  {
    files: /^ado-task\/EntraAppToken\/task\.json$/u,
    pattern: /(?<="version": \{\n)(\s+"Major": )\d+(,\s+"Minor": )\d+(,\s+"Patch": )\d+/gu,
    replacement: ({ major, minor, patch }) => `$1${major}$2${minor}$3${patch}`,
    times: 1,
  },
  // Before version 1, the extension and the task are a preview.
  {
    files: manifests,
    pattern: /^ {2}(?:"galleryFlags": \["Preview"\]|"preview": true),\n/gmu,
    replacement: ({ major }) => (major === 0 ? '$&' : ''),
  },
  {
    files: copied,
    pattern: /(?<=\/entra-app-token@v)\d+\b/gu,
    replacement: ({ major }) => String(major),
  },
  {
    files: copied,
    pattern: /(?<=EntraAppToken@)\d+\b/gu,
    replacement: ({ major }) => String(major),
  },
];

/** Whether a file, by its path from the repository's root, can have a version. */
export function canHaveVersion(path: string): boolean {
  return places.some(({ files }) => files.test(path));
}

/**
 * The text of a file in this version.
 *
 * @throws if a manifest does not have its version where it is expected
 */
export function withVersion(path: string, text: string, version: Version): string {
  return places
    .filter(({ files }) => files.test(path))
    .reduce((result, { pattern, replacement, times }) => {
      const found = [...result.matchAll(pattern)].length;
      if (times !== undefined && found !== times) {
        throw new Error(`${path} has its version in ${found} places. Expected: ${times}.`);
      }
      return result.replaceAll(pattern, replacement(version));
    }, text);
}

const unreleased = '## [Unreleased]\n';

/**
 * The changelog with a heading for this version above what was unreleased.
 *
 * @param date as `2026-11-24`
 * @throws if nothing is unreleased
 */
export function withReleaseHeading(changelog: string, version: Version, date: string): string {
  if (releaseNotes(changelog, 'Unreleased') === '')
    throw new Error('CHANGELOG.md has no unreleased changes.');
  return changelog.replace(unreleased, `${unreleased}\n## [${versionText(version)}] - ${date}\n`);
}

/** The text below a version's heading in the changelog. Empty if there is none. */
export function releaseNotes(changelog: string, version: string): string {
  const section = changelog.split(/^## /mu).find((text) => text.startsWith(`[${version}]`)) ?? '';
  return section.slice(section.indexOf('\n') + 1).trim();
}
