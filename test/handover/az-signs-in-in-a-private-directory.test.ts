import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type Cloud, clouds } from '../../src/azure/clouds.ts';
import type { Clock } from '../../src/exchange/budget.ts';
import { type AzureCliSignIn, signInAzureCli } from '../../src/handover/azure-cli.ts';
import type { ChildRun } from '../../src/handover/child-process.ts';
import type { ChildEnd } from '../../src/handover/errors.ts';
import { OpenDirectory } from '../../src/handover/open-directory.ts';
import { tempFolder } from './temp-folder.ts';

const program = {
  path: '/az',
  command: '/az',
  argumentsFor: (own: readonly string[]) => own,
  verbatim: false,
  requireSafe: () => undefined,
};
const failed = (words: string): ChildEnd => ({ kind: 'failed', code: 1, words });

/** What az 2.45 and 2.91 leave after a sign-in, without what the step does not read. */
function writeProfile(directory: string, text = '{"subscriptions":[{"user":{"name":"App"}}]}'): void {
  writeFileSync(join(directory, 'azure-cli', 'azureProfile.json'), text);
}

/** A sign-in whose az ends as `ends` says, call by call, and then succeeds. Each call takes a second. */
async function signIn(
  directory: string,
  more: Partial<Omit<AzureCliSignIn, 'directory'>> & {
    readonly variables?: Readonly<Record<string, string>>;
  } = {},
  ends: readonly ChildEnd[] = [],
  leaveSession = writeProfile,
) {
  const { variables = {}, ...changed } = more;
  const calls: ChildRun[] = [];
  const waits: number[] = [];
  let now = 0;
  const clock: Pick<Clock, 'now' | 'sleep'> = {
    now: () => now,
    sleep: async (milliseconds) => {
      waits.push(milliseconds);
      now += milliseconds;
    },
  };
  const result = signInAzureCli(
    program,
    {
      clientId: 'app',
      tenantId: 'tenant',
      cloud: clouds.public,
      tokenFile: '/private/federated-token',
      directory: new OpenDirectory(directory),
      environment: { variables: { HOME: '/home/user', ...variables }, windows: false },
      ...changed,
    },
    async (run) => {
      calls.push(run);
      now += 1000;
      if (run.arguments[0] === 'login') leaveSession(directory);
      return ends[calls.length - 1] ?? { kind: 'done' };
    },
    clock,
  );
  return {
    result,
    calls,
    waits,
    settled: await result.then(
      () => undefined,
      (error: unknown) => error,
    ),
  };
}

const commands = (calls: readonly ChildRun[]): readonly string[] =>
  calls.map((run) => run.arguments.join(' '));
const login =
  'login --service-principal --username app --tenant tenant --federated-token @/private/federated-token --allow-no-subscriptions --output none';

describe('the commands', () => {
  test.each<[string, Partial<AzureCliSignIn>, readonly string[]]>([
    ['in the public cloud', {}, [login]],
    [
      'in another cloud, which is selected first',
      { cloud: clouds.china },
      ['cloud set --name AzureChinaCloud --output none', login],
    ],
    [
      'with a subscription, which is selected last',
      { subscriptionId: 'sub' },
      [login, 'account set --subscription sub --output none'],
    ],
  ])('%s', async (_, more, expected) => {
    using place = tempFolder();
    const { calls, result } = await signIn(place.folder, more);
    await result;
    expect(commands(calls)).toEqual(expected);
    expect(new Set(calls.map(({ directory }) => directory))).toEqual(new Set([place.folder]));
  });
});

describe('the environment', () => {
  test('is the job’s own, with a private directory, and without telemetry', async () => {
    using place = tempFolder();
    const variables = { PATH: '/bin', HTTPS_PROXY: 'http://proxy:1', REQUESTS_CA_BUNDLE: '/ca' };
    const { result, calls } = await signIn(place.folder, { variables });
    const directories = {
      AZURE_CONFIG_DIR: join(place.folder, 'azure-cli'),
      AZURE_EXTENSION_DIR: '/home/user/.azure/cliextensions',
    };
    expect(await result).toEqual(directories);
    expect(calls[0]?.environment.variables).toEqual({
      HOME: '/home/user',
      ...variables,
      ...directories,
      AZURE_CORE_COLLECT_TELEMETRY: 'false',
      AZURE_CORE_SURVEY_MESSAGE: 'false',
      AZURE_CORE_ONLY_SHOW_ERRORS: 'true',
      AZURE_CORE_NO_COLOR: 'true',
    });
  });

  test.each([
    [{ AZURE_EXTENSION_DIR: '/extensions', AZURE_CONFIG_DIR: '/config' }, '/extensions'],
    [{ AZURE_CONFIG_DIR: '/config' }, '/config/cliextensions'],
    [{ AZURE_CONFIG_DIR: '' }, '/home/user/.azure/cliextensions'],
  ])('the extensions stay where they are: %j', async (variables, expected) => {
    using place = tempFolder();
    const { result } = await signIn(place.folder, { variables });
    expect((await result).AZURE_EXTENSION_DIR).toBe(expected);
  });

  test('az gets the host’s proxy if the environment names none', async () => {
    using place = tempFolder();
    using other = tempFolder();
    const proxy = {
      url: 'http://proxy:8080',
      username: 'us:er',
      password: 'p@ss/%',
      setting: 'the agent’s proxy',
    };
    const given = await signIn(place.folder, { proxy });
    expect(given.calls[0]?.environment.variables).toMatchObject({
      HTTPS_PROXY: 'http://us%3Aer:p%40ss%2F%25@proxy:8080/',
    });
    const kept = await signIn(other.folder, { proxy, variables: { https_proxy: 'http://own:1' } });
    expect(kept.calls[0]?.environment.variables).not.toHaveProperty('HTTPS_PROXY');
  });

  test.each(['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'])(
    'the job’s own %s wins over the host’s proxy',
    async (name) => {
      using place = tempFolder();
      const proxy = { url: 'http://agent:8080', setting: 'the agent’s proxy' };
      const { calls } = await signIn(place.folder, { proxy, variables: { [name]: 'http://own:1' } });
      const { variables } = calls[0]?.environment ?? {};
      expect(variables?.[name]).toBe('http://own:1');
      expect(Object.values(variables ?? {}).filter((value) => value.includes('agent:8080'))).toEqual([]);
    },
  );

  test('of az’s own directory only the result of its last version check is copied', async () => {
    using place = tempFolder();
    using home = tempFolder();
    const old = join(home.folder, '.azure');
    mkdirSync(old);
    for (const name of ['versionCheck.json', 'msal_token_cache.json', 'config']) {
      writeFileSync(join(old, name), name);
    }
    await signIn(place.folder, { variables: { HOME: home.folder } });
    expect(readFileSync(join(place.folder, 'azure-cli', 'versionCheck.json'), 'utf8')).toBe(
      'versionCheck.json',
    );
    expect(() => readFileSync(join(place.folder, 'azure-cli', 'msal_token_cache.json'))).toThrow();
    expect(() => readFileSync(join(place.folder, 'azure-cli', 'config'))).toThrow();
  });
});

describe('a failure', () => {
  test('names the stage, and has az’s own words', async () => {
    using place = tempFolder();
    const { settled } = await signIn(place.folder, { subscriptionId: 'sub' }, [
      { kind: 'done' },
      failed("ERROR: The subscription of 'sub' doesn't exist in cloud 'AzureCloud'."),
    ]);
    expect(settled).toMatchObject({
      detail: { kind: 'sign-in-failed', stage: 'subscription', tries: 1, end: { kind: 'failed', code: 1 } },
    });
  });

  test('that Entra calls temporary is tried again, as in the exchange', async () => {
    using place = tempFolder();
    const passing = failed('ERROR: AADSTS7002138: no matching federated identity record');
    const { settled, calls, waits } = await signIn(place.folder, {}, [passing]);
    expect(settled).toBeUndefined();
    expect(calls).toHaveLength(2);
    expect(waits).toHaveLength(1);
  });

  test('that does not pass ends the sign-in', async () => {
    using place = tempFolder();
    const passing = failed('ERROR: AADSTS700213: no matching federated identity record');
    const { settled, calls } = await signIn(place.folder, {}, Array(9).fill(passing));
    expect(settled).toMatchObject({ detail: { kind: 'sign-in-failed', tries: 3 } });
    expect(calls).toHaveLength(3);
  });

  test('of any other kind ends it at once', async () => {
    for (const end of [
      failed('ERROR: AADSTS700016'),
      { kind: 'timed-out', words: 'AADSTS700213' } as const,
    ]) {
      using place = tempFolder();
      const { settled, calls } = await signIn(place.folder, {}, [end]);
      expect(settled).toMatchObject({ detail: { end } });
      expect(calls).toHaveLength(1);
    }
  });

  test('all commands and waits share one limit', async () => {
    using place = tempFolder();
    const passing = failed('ERROR: AADSTS90033: try again');
    const { settled, calls } = await signIn(place.folder, {}, Array(200).fill(passing));
    expect(settled).toMatchObject({ detail: { kind: 'sign-in-failed' } });
    const limits = calls.map(({ limit }) => limit);
    expect(limits[0]).toBe(120_000);
    expect([...limits].sort((a, b) => b - a)).toEqual(limits);
    expect(limits.at(-1)).toBeGreaterThan(0);
  });
});

describe('an az that succeeds', () => {
  test.each<[string, (directory: string) => void]>([
    ['without a session', () => undefined],
    ['with the file of an az that never signed in', (directory) => writeProfile(directory, '{}')],
    ['with no subscription', (directory) => writeProfile(directory, '{"subscriptions":[]}')],
    ['with an empty file', (directory) => writeProfile(directory, '')],
    [
      'as somebody else',
      (directory) => writeProfile(directory, '{"subscriptions":[{"user":{"name":"other"}}]}'),
    ],
  ])('%s has not signed in', async (_, leave) => {
    using place = tempFolder();
    const { settled, calls } = await signIn(place.folder, { subscriptionId: 'sub' }, [], leave);
    expect(settled).toMatchObject({
      detail: { kind: 'sign-in-failed', stage: 'identity', tries: 1, end: { kind: 'done' } },
    });
    expect(calls).toHaveLength(1);
  });

  test('with a byte order mark has', async () => {
    using place = tempFolder();
    const { settled } = await signIn(place.folder, {}, [], (directory) =>
      writeProfile(directory, '\uFEFF{"subscriptions":[{"user":{"name":"app"}}]}'),
    );
    expect(settled).toBeUndefined();
  });

  test('and moves the private directory is not trusted, and not called again', async () => {
    using place = tempFolder();
    const directory = join(place.folder, 'private');
    mkdirSync(directory);
    const { settled, calls } = await signIn(directory, { subscriptionId: 'sub' }, [], () => {
      writeProfile(directory);
      renameSync(directory, join(place.folder, 'moved'));
      symlinkSync(join(place.folder, 'moved'), directory);
    });
    expect(settled).toMatchObject({ detail: { kind: 'not-written', what: 'privacy', path: directory } });
    expect(calls).toHaveLength(1);
  });
});

test('each cloud has az’s own name', () => {
  expect(Object.values(clouds).map(({ azureCli }: Cloud) => azureCli)).toEqual([
    'AzureCloud',
    'AzureUSGovernment',
    'AzureChinaCloud',
  ]);
});
