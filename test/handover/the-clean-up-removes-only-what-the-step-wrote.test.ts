import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { cleanUp } from '../../src/cleanup.ts';
import { HandoverError } from '../../src/handover/errors.ts';
import { inPrivateDirectory } from '../../src/handover/private-directory.ts';
import { writeRecords } from '../../src/handover/removal.ts';
import { tempFolder } from './temp-folder.ts';

const name = `entra-app-token-${'0123456789abcdef'.repeat(2)}`;

/** What a step records before it writes anything. */
const recordOf = (path: string, finished = true): string =>
  writeRecords({ finished, records: [{ kind: 'directory', path }] });

/** A job's temporary folder with a private directory in it, and another directory that is not the step's. */
function job() {
  const place = tempFolder();
  const temporary = join(place.folder, 'temp');
  const path = join(temporary, name);
  mkdirSync(join(path, 'azure-cli'), { recursive: true });
  writeFileSync(join(path, 'federated-token'), 'a.b.c');
  mkdirSync(join(temporary, 'foreign'));
  const log: { readonly info: string[]; readonly warning: string[] } = { info: [], warning: [] };
  const host = {
    temporaryFolder: () => temporary,
    info: (text: string) => void log.info.push(text),
    warning: (text: string) => void log.warning.push(text),
  };
  return { temporary, path, host, log, ...place, outside: place.folder };
}

test('what the step wrote is removed and named, and a second run finds nothing', () => {
  using at = job();
  cleanUp(at.host, recordOf(at.path));
  expect(readdirSync(at.temporary)).toEqual(['foreign']);
  expect(at.log.info).toEqual([`Removed ${at.path} with the Azure CLI’s session and the identity’s token.`]);
  cleanUp(at.host, recordOf(at.path));
  expect(at.log.info[1]).toBe(`Nothing to remove: ${at.path} does not exist.`);
  expect(at.log.warning).toEqual([]);
});

test('a temporary folder that is reached by a link is the same folder', () => {
  using at = job();
  const link = join(at.outside, 'link');
  symlinkSync(at.temporary, link);
  cleanUp({ ...at.host, temporaryFolder: () => link }, recordOf(at.path));
  expect(readdirSync(at.temporary)).toEqual(['foreign']);
});

test('links inside are removed and not followed', () => {
  using at = job();
  const precious = join(at.outside, 'precious');
  mkdirSync(precious);
  writeFileSync(join(precious, 'file'), 'kept');
  symlinkSync(precious, join(at.path, 'azure-cli', 'link'));
  cleanUp(at.host, recordOf(at.path));
  expect(readdirSync(at.temporary)).toEqual(['foreign']);
  expect(readFileSync(join(precious, 'file'), 'utf8')).toBe('kept');
});

describe('nothing is removed, and the job does not fail, when the recorded path is', () => {
  const cases: Readonly<Record<string, (at: ReturnType<typeof job>) => string>> = {
    'without our kind of name': ({ temporary }) => join(temporary, 'foreign'),
    'with a prefix of the same length': ({ temporary }) => {
      const other = join(temporary, name.replace('entra-app-token-', 'entra-app-taken-'));
      mkdirSync(other);
      return other;
    },
    'the temporary folder itself': ({ temporary }) => temporary,
    'our name with more to it': ({ temporary }) => join(temporary, `${name}0`),
    relative: () => name,
    elsewhere: ({ outside }) => {
      mkdirSync(join(outside, name));
      return join(outside, name);
    },
    'deeper than the temporary folder': ({ temporary }) => {
      mkdirSync(join(temporary, 'foreign', name));
      return join(temporary, 'foreign', name);
    },
    'reached by way of a parent': ({ temporary, outside }) => {
      mkdirSync(join(outside, name));
      return `${temporary}/../${name}`;
    },
    'with a slash at its end': ({ path }) => `${path}/`,
    'a link with a slash at its end': ({ temporary, outside }) => {
      const link = join(temporary, name.replace('0', 'f'));
      mkdirSync(join(outside, 'target'));
      writeFileSync(join(outside, 'target', 'file'), '');
      symlinkSync(join(outside, 'target'), link);
      return `${link}/`;
    },
    'a file': ({ temporary }) => {
      const file = join(temporary, name.replace('0', 'f'));
      writeFileSync(file, 'content');
      return file;
    },
    'a link': ({ temporary, outside }) => {
      const link = join(temporary, name.replace('0', 'f'));
      mkdirSync(join(outside, 'target'));
      writeFileSync(join(outside, 'target', 'file'), '');
      symlinkSync(join(outside, 'target'), link);
      return link;
    },
  };
  test.each(Object.entries(cases))('%s', (_, prepare) => {
    using at = job();
    const recorded = prepare(at);
    const tree = (): string => JSON.stringify(readdirSync(at.outside, { recursive: true }).sort());
    const before = tree();
    cleanUp(at.host, recordOf(recorded));
    cleanUp(at.host, recordOf(recorded, false));
    expect(tree()).toBe(before);
    expect(at.log.info).toEqual([]);
    expect(at.log.warning).toEqual(Array(2).fill(expect.stringContaining('Did not remove ')));
  });

  test('the warning says that it is a link', () => {
    using at = job();
    cleanUp(at.host, recordOf(cases['a link']?.(at) ?? ''));
    expect(at.log.warning).toEqual([expect.stringContaining('it is a link now')]);
  });

  test('the temporary folder is not known', () => {
    using at = job();
    cleanUp({ ...at.host, temporaryFolder: () => '' }, recordOf(at.path));
    expect(readdirSync(at.temporary)).toContain(name);
    expect(at.log.warning).toHaveLength(1);
  });
});

describe('a step that has not ended', () => {
  test('cannot make its directory again: an empty file has its place', async () => {
    using at = job();
    cleanUp(at.host, recordOf(at.path, false));
    expect(statSync(at.path).isFile()).toBe(true);
    expect(readFileSync(at.path, 'utf8')).toBe('');
    const environment = { variables: {}, windows: false };
    await expect(inPrivateDirectory(at.path, environment, undefined, async () => undefined)).rejects.toThrow(
      HandoverError,
    );
    // A second run of the clean-up leaves the file there and says nothing more.
    cleanUp(at.host, recordOf(at.path, false));
    expect(readFileSync(at.path, 'utf8')).toBe('');
    expect(at.log.warning).toEqual([]);
  });

  test('that had not made its directory yet cannot make it any more', () => {
    using at = job();
    const path = join(dirname(at.path), basename(at.path).replace('0', 'f'));
    cleanUp(at.host, recordOf(path, false));
    expect(statSync(path).isFile()).toBe(true);
    expect(at.log).toEqual({ info: [`Nothing to remove: ${path} does not exist.`], warning: [] });
  });
});

test('a recorded directory that was never made is no warning, and no file is left for it', () => {
  using at = job();
  cleanUp(at.host, recordOf(join(dirname(at.path), basename(at.path).replace('0', 'f'))));
  expect(at.log.warning).toEqual([]);
  expect(readdirSync(at.temporary).sort()).toEqual([name, 'foreign']);
});

test.each([
  '',
  'not JSON',
  'null',
  '[]',
  '{}',
  '{"version":2,"finished":true,"records":[]}',
  '{"version":1,"finished":true}',
  '{"version":1,"finished":true,"records":[{"kind":"endpoint","path":"/x"}]}',
  '{"version":1,"finished":true,"records":[{"kind":"directory"}]}',
])('records of another version are not touched: %s', (recorded) => {
  using at = job();
  cleanUp(at.host, recorded);
  expect(at.log).toEqual({
    info: [],
    warning: [expect.stringContaining('another version of the step wrote it')],
  });
  expect(readdirSync(at.temporary)).toContain(name);
});
