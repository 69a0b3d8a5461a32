import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { clientIds, runnerServiceAccount, tenantIds } from '../../emulator/default-world.ts';
import { startEmulator } from '../../emulator/emulator.ts';
import { findGitToken } from '../../src/git-credential.ts';
import { labelsOf, signInGit } from '../../src/handover/git-credential.ts';
import { answerGit } from '../../src/handover/git-protocol.ts';
import { OpenDirectory } from '../../src/handover/open-directory.ts';
import { readStepRequest } from '../../src/inputs/read.ts';
import { goodInputs } from '../scenarios/hosts-under-test.ts';
import { tempFolder } from './temp-folder.ts';

const inputs: Readonly<Record<string, string>> = { ...goodInputs, login: 'git' };
const request = readStepRequest((name) => inputs[name] ?? '');

function signIn(
  directory: string,
  script: string,
  variables: Record<string, string>,
): Record<string, string> {
  return {
    ...signInGit(
      { node: process.execPath, script },
      {
        version: 1,
        request,
        tokenFile: join(directory, 'federated-token'),
        labels: labelsOf((name) => name),
      },
      { directory: new OpenDirectory(directory), environment: { variables, windows: false } },
    ),
  };
}

/** What git itself gets for this question from the helpers that these variables name. */
function fill(variables: Record<string, string>, question: string): string {
  return spawnSync('git', ['credential', 'fill'], {
    input: `${question}\n\n`,
    encoding: 'utf8',
    env: {
      PATH: process.env['PATH'],
      HOME: '/nonexistent',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
      ...variables,
    },
  }).stdout;
}

const question = 'protocol=https\nhost=dev.azure.com';

describe('how git starts the helper', () => {
  test.each(['plain', 'with space', `it's "quoted" $HOME \`x\` & \\ ;`, 'ümlaut*'])(
    'from a folder %j',
    (name) => {
      using place = tempFolder();
      const directory = join(place.folder, name);
      mkdirSync(directory);
      const script = join(directory, 'helper.cjs');
      writeFileSync(
        script,
        `const [settings, operation] = process.argv.slice(2);
       console.log('username=' + operation);
       console.log('password=' + require('node:fs').existsSync(settings));`,
      );
      expect(fill(signIn(directory, script, {}), question)).toContain('username=get\npassword=true\n');
    },
  );

  test.each([
    ['3', 3],
    ['0', 0],
    ['', 0],
    // Git refuses to run with these.
    ['many', 0],
    ['-1', 0],
  ])('after GIT_CONFIG_COUNT=%j', (count, first) => {
    using place = tempFolder();
    const variables = signIn(place.folder, '/helper', { GIT_CONFIG_COUNT: count });
    expect(variables['GIT_CONFIG_COUNT']).toBe(String(first + 4));
    expect(Object.keys(variables)).toHaveLength(9);
    expect(variables[`GIT_CONFIG_KEY_${first}`]).toBe('credential.https://dev.azure.com.helper');
    expect(variables[`GIT_CONFIG_VALUE_${first}`]).toBe('');
    expect(variables[`GIT_CONFIG_KEY_${first + 3}`]).toBe('credential.https://*.visualstudio.com.helper');
  });

  test('on Windows, sh gets paths with forward slashes', () => {
    using place = tempFolder();
    const variables = signInGit(
      { node: 'C:\\actions runner\\node.exe', script: 'D:\\a\\index.js' },
      { version: 1, request, tokenFile: 'x', labels: labelsOf((name) => name) },
      { directory: new OpenDirectory(place.folder), environment: { variables: {}, windows: true } },
    );
    expect(variables['GIT_CONFIG_VALUE_1']).toMatch(
      /^!'C:\/actions runner\/node\.exe' 'D:\/a\/index\.js' '/u,
    );
  });
});

describe('in a pod', () => {
  test('the projected file is read again, through the proxy and with the certificate authority of the step', async () => {
    const azure = await startEmulator(undefined, { proxy: { user: 'ci', password: 'pa:ss' } });
    using place = tempFolder();
    const file = join(place.folder, 'projected');
    const inPod = readStepRequest(
      (name) =>
        ({
          'client-id': clientIds.podDeployer,
          'tenant-id': tenantIds.contoso,
          'federated-token-file': file,
          login: 'git',
        })[name as string] ?? '',
    );
    signInGit(
      { node: process.execPath, script: '/helper' },
      {
        version: 1,
        request: inPod,
        tokenFile: file,
        labels: labelsOf((name) => name),
        proxy: { url: azure.proxy.url, username: 'ci', password: 'pa:ss', setting: 'HTTPS_PROXY' },
        certificateAuthority: azure.ca.pem,
      },
      { directory: new OpenDirectory(place.folder), environment: { variables: {}, windows: false } },
    );
    const lines: string[] = [];
    const get = (): Promise<string> =>
      answerGit('get', question, () =>
        findGitToken(join(place.folder, 'git-credential.json'), (line) => lines.push(line)),
      );
    expect(await get()).toBe('quit=1\n');
    expect(lines.join('')).toContain('Input federated-token-file: the token in');
    writeFileSync(file, await azure.cluster.token(runnerServiceAccount));
    expect(await get()).toMatch(/^username=entra-app-token\npassword=eyJ[\w.-]+\n$/u);
    expect(azure.requests.map(({ leg, status }) => [leg, status])).toEqual([
      ['proxy', 200],
      ['entra', 200],
    ]);
    await azure.stop();
  });
});

test('without the verification of certificates the helper asks nobody', async () => {
  using place = tempFolder();
  // Nobody listens there.
  const nowhere = { ...inputs, 'authority-host': 'https://127.0.0.1:9', 'timeout-seconds': '1' };
  signInGit(
    { node: process.execPath, script: '/helper' },
    {
      version: 1,
      request: readStepRequest((name) => (nowhere as Readonly<Record<string, string>>)[name] ?? ''),
      tokenFile: join(place.folder, 'federated-token'),
      labels: labelsOf((name) => name),
    },
    { directory: new OpenDirectory(place.folder), environment: { variables: {}, windows: false } },
  );
  const claims = Buffer.from(JSON.stringify({ exp: Date.now() / 1000 + 3600 })).toString('base64url');
  writeFileSync(join(place.folder, 'federated-token'), `e30.${claims}.sig`);
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  const lines: string[] = [];
  try {
    const settings = join(place.folder, 'git-credential.json');
    expect(await findGitToken(settings, (line) => lines.push(line))).toBeUndefined();
  } finally {
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
  }
  expect(lines.join('')).toContain('NODE_TLS_REJECT_UNAUTHORIZED=0 turns off the verification');
});

describe('what the helper does not answer', () => {
  // The settings do not exist, so a helper that wanted them would say so.
  const answer = async (operation: string, text: string): Promise<readonly [string, readonly string[]]> => {
    const lines: string[] = [];
    return [
      await answerGit(operation, text, () =>
        findGitToken('/nonexistent/settings', (line) => lines.push(line)),
      ),
      lines,
    ];
  };

  test.each(['store', 'erase', 'capability', ''])('the operation %j', async (operation) => {
    expect(await answer(operation, question)).toEqual(['', []]);
  });

  test.each([
    ...['', 'rubbish', 'protocol=https', 'host=dev.azure.com', 'host dev.azure.com\nprotocol https'],
    ...['http', 'ssh', 'HTTPS '].map((protocol) => `protocol=${protocol}\nhost=dev.azure.com`),
    ...[
      ...[
        'github.com',
        'dev.azure.com.example.com',
        'xdev.azure.com',
        'dev.azure.com:8443',
        'dev.azure.com@x',
      ],
      ...[
        'visualstudio.com',
        '.visualstudio.com',
        'a.b.visualstudio.com',
        'contoso.visualstudio.com.example.com',
      ],
      ...['user@dev.azure.com', 'dev.azure.com/', 'ssh.dev.azure.com', ' dev.azure.com'],
    ].map((host) => `protocol=https\nhost=${host}`),
  ])('the question %j', async (text) => {
    expect(await answer('get', text)).toEqual(['', []]);
  });

  test.each(['dev.azure.com', 'DEV.azure.com', 'dev.azure.com:443', 'contoso.visualstudio.com'])(
    'but %s is one of its hosts',
    async (host) => {
      const [text, lines] = await answer('get', `protocol=https\nhost=${host}`);
      expect(text).toBe('quit=1\n');
      expect(lines.join('')).toContain('/nonexistent/settings');
    },
  );
});
