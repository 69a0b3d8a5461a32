import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { cleanUp } from '../../src/handover/clean-up.ts';
import { workshop } from './workshop.ts';

const name = `entra-app-token-${'0123456789abcdef'.repeat(2)}`;

/** A job's temporary folder with a private directory in it, beside a stranger's. */
function job() {
  const place = workshop();
  const temporary = join(place.folder, 'temp');
  const path = join(temporary, name);
  mkdirSync(join(path, 'azure-cli'), { recursive: true });
  writeFileSync(join(path, 'federated-token'), 'a.b.c');
  mkdirSync(join(temporary, 'stranger'));
  const said: { readonly info: string[]; readonly warning: string[] } = { info: [], warning: [] };
  const host = {
    temporaryFolder: () => temporary,
    info: (text: string) => void said.info.push(text),
    warning: (text: string) => void said.warning.push(text),
  };
  return { temporary, path, host, said, ...place, outside: place.folder };
}

test('what the step wrote is removed and named, and a second run finds it gone', () => {
  using at = job();
  cleanUp(at.host, at.path);
  expect(readdirSync(at.temporary)).toEqual(['stranger']);
  expect(at.said.info).toEqual([`Removed ${at.path} with the Azure CLI’s session and the identity’s token.`]);
  cleanUp(at.host, at.path);
  expect(at.said.info[1]).toContain('gone already');
  expect(at.said.warning).toEqual([]);
});

test('a temporary folder that is reached by a link is the same folder', () => {
  using at = job();
  const link = join(at.outside, 'link');
  symlinkSync(at.temporary, link);
  cleanUp({ ...at.host, temporaryFolder: () => link }, at.path);
  expect(readdirSync(at.temporary)).toEqual(['stranger']);
});

test('links inside are removed and not followed', () => {
  using at = job();
  const precious = join(at.outside, 'precious');
  mkdirSync(precious);
  writeFileSync(join(precious, 'file'), 'kept');
  symlinkSync(precious, join(at.path, 'azure-cli', 'link'));
  cleanUp(at.host, at.path);
  expect(readdirSync(at.temporary)).toEqual(['stranger']);
  expect(readFileSync(join(precious, 'file'), 'utf8')).toBe('kept');
});

describe('nothing is removed, and the job does not fail, when the recorded path is', () => {
  const cases: Readonly<Record<string, (at: ReturnType<typeof job>) => string>> = {
    'not named as ours': ({ temporary }) => join(temporary, 'stranger'),
    'the temporary folder itself': ({ temporary }) => temporary,
    'our name with more to it': ({ temporary }) => join(temporary, `${name}0`),
    relative: () => name,
    elsewhere: ({ outside }) => {
      mkdirSync(join(outside, name));
      return join(outside, name);
    },
    'deeper than the temporary folder': ({ temporary }) => {
      mkdirSync(join(temporary, 'stranger', name));
      return join(temporary, 'stranger', name);
    },
    'reached by way of a parent': ({ temporary, outside }) => {
      mkdirSync(join(outside, name));
      return `${temporary}/../${name}`;
    },
    'a file': ({ temporary }) => {
      const file = join(temporary, name.replace('0', 'f'));
      writeFileSync(file, '');
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
    cleanUp(at.host, recorded);
    expect(tree()).toBe(before);
    expect(at.said.info).toEqual([]);
    expect(at.said.warning).toEqual([expect.stringContaining('was left as it is')]);
  });

  test('a link is told as such', () => {
    using at = job();
    cleanUp(at.host, cases['a link']?.(at) ?? '');
    expect(at.said.warning).toEqual([expect.stringContaining('it is a link now')]);
  });

  test('under no temporary folder', () => {
    using at = job();
    cleanUp({ ...at.host, temporaryFolder: () => '' }, at.path);
    expect(readdirSync(at.temporary)).toContain(name);
    expect(at.said.warning).toHaveLength(1);
  });
});
