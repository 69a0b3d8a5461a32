import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { github } from '../../src/hosts/github.ts';
import type { Host } from '../../src/hosts/host.ts';
import { HostSettingError } from '../../src/hosts/host.ts';
import { readProxy } from '../../src/hosts/proxy-setting.ts';

const url = new URL('https://login.microsoftonline.com');
const names = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'NO_PROXY', 'no_proxy'];
const agentNames = ['AGENT_PROXYURL', 'AGENT_PROXYUSERNAME', 'AGENT_PROXYPASSWORD', 'AGENT_PROXYBYPASSLIST'];
/** The task library writes a key file into the agent's folder when it is loaded. */
const folder = mkdtempSync(join(tmpdir(), 'proxies-'));
let azurePipelines: Host;
beforeAll(async () => {
  process.env['AGENT_TEMPDIRECTORY'] = folder;
  ({ azurePipelines } = await import('../../src/hosts/azure-pipelines.ts'));
});
afterAll(() => {
  delete process.env['AGENT_TEMPDIRECTORY'];
  rmSync(folder, { recursive: true, force: true });
});
let before: NodeJS.ProcessEnv;
beforeEach(() => {
  before = { ...process.env };
  for (const name of [...names, ...agentNames]) delete process.env[name];
});
afterEach(() => {
  for (const name of [...names, ...agentNames]) {
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  }
});

describe('on GitHub', () => {
  const choose = (environment: Readonly<Record<string, string>>, target = url) => {
    Object.assign(process.env, environment);
    return github.proxyFor(target);
  };

  test('HTTPS_PROXY in either spelling', async () => {
    expect(await choose({ HTTPS_PROXY: 'http://one:8080' })).toMatchObject({
      proxy: { url: 'http://one:8080', setting: 'HTTPS_PROXY' },
      notices: [],
    });
    delete process.env['HTTPS_PROXY'];
    expect(await choose({ https_proxy: 'http://two:8080' })).toMatchObject({
      proxy: { url: 'http://two:8080', setting: 'https_proxy' },
    });
  });

  test('if the job and the runner name different proxies, the job’s is used and a notice says so', async () => {
    const { proxy, notices } = await choose({
      HTTPS_PROXY: 'http://u:pass@job:1',
      https_proxy: 'http://runner:2',
    });
    expect(proxy?.url).toBe('http://job:1');
    expect(notices).toEqual(['HTTPS_PROXY and https_proxy have different values. HTTPS_PROXY is used.']);
    expect(JSON.stringify(notices)).not.toContain('pass');
  });

  test('equal spellings need no notice', async () => {
    expect((await choose({ HTTPS_PROXY: 'http://a:1', https_proxy: 'http://a:1' })).notices).toEqual([]);
  });

  test('NO_PROXY wins over no_proxy, and the environment stays as it was', async () => {
    const environment = {
      HTTPS_PROXY: 'http://a:1',
      NO_PROXY: '.example',
      no_proxy: 'login.microsoftonline.com',
    };
    const { proxy, notices } = await choose(environment);
    expect(proxy?.url).toBe('http://a:1');
    expect(notices).toEqual(['NO_PROXY and no_proxy have different values. NO_PROXY is used.']);
    expect(process.env['no_proxy']).toBe('login.microsoftonline.com');
  });

  test.each([
    'login.microsoftonline.com',
    '.microsoftonline.com',
    'microsoftonline.com',
    '*',
    'x,login.microsoftonline.com:443',
  ])('NO_PROXY=%s excludes Entra', async (list) => {
    const { proxy, because } = await choose({ HTTPS_PROXY: 'http://a:1', NO_PROXY: list });
    expect(proxy).toBeUndefined();
    expect(because).toContain('NO_PROXY');
    expect('no_proxy' in process.env).toBe(false);
  });

  test('HTTP_PROXY and ALL_PROXY do not count', async () => {
    expect(await choose({ HTTP_PROXY: 'http://a:1', ALL_PROXY: 'http://b:1' })).not.toHaveProperty('proxy');
  });
});

describe('on Azure Pipelines', () => {
  const choose = (bypass?: unknown, more: Readonly<Record<string, string>> = {}, target = url) => {
    Object.assign(process.env, { AGENT_PROXYURL: 'http://agent:3128', ...more });
    if (bypass !== undefined) {
      process.env['AGENT_PROXYBYPASSLIST'] = typeof bypass === 'string' ? bypass : JSON.stringify(bypass);
    }
    return azurePipelines.proxyFor(target);
  };

  test('no proxy of the agent', async () => {
    expect(await azurePipelines.proxyFor(url)).toEqual({
      because: 'the agent has no proxy',
      notices: [],
      remarks: [],
    });
  });

  test('the agent’s proxy with its user name and password, as they are', async () => {
    const { proxy } = await choose(undefined, { AGENT_PROXYUSERNAME: 'a\\b', AGENT_PROXYPASSWORD: 'p@%41' });
    expect(proxy).toMatchObject({ url: 'http://agent:3128', username: 'a\\b', password: 'p@%41' });
  });

  test.each([
    ['login\\.microsoftonline\\.com'],
    ['^https://login'],
    ['(?i)LOGIN'],
    ['LOGIN'],
    ['microsoftonline.com$'],
    ['nothing', 'login'],
  ])('bypassed: %s', async (...list) => {
    const { proxy, because } = await choose(list);
    expect(proxy).toBeUndefined();
    expect(because).toContain('bypass list');
  });

  test.each([['^login'], ['microsoftonline.com/$'], [':443'], [''], ['nothing']])(
    'not bypassed: "%s"',
    async (...list) => {
      expect((await choose(list)).proxy).toBeDefined();
    },
  );

  test('a port that is not the default counts', async () => {
    expect((await choose([':8443$'], {}, new URL('https://localhost:8443'))).proxy).toBeUndefined();
  });

  test('an entry that is no regular expression is skipped and remarked on', async () => {
    const { proxy, remarks } = await choose(['*.example', 'login']);
    expect(proxy).toBeUndefined();
    expect(remarks).toEqual([expect.stringContaining('"*.example" is not a regular expression')]);
  });

  test.each(['not JSON', '{}', '[7, null]', '"login"'])(
    'a list that is none bypasses nothing: %s',
    async (list) => {
      expect((await choose(list)).proxy).toBeDefined();
    },
  );
});

describe('a proxy as users write it', () => {
  test.each([
    ['proxy:8080', { url: 'http://proxy:8080' }],
    ['https://proxy', { url: 'https://proxy' }],
    ['http://[::1]:3128/', { url: 'http://[::1]:3128' }],
    ['http://u%40x:p%3A%2F@proxy:1', { url: 'http://proxy:1', username: 'u@x', password: 'p:/' }],
    ['http://u:100%@proxy:1', { url: 'http://proxy:1', username: 'u', password: '100%' }],
  ])('%s', (written, expected) => {
    expect(readProxy('HTTPS_PROXY', written)).toEqual({ ...expected, setting: 'HTTPS_PROXY' });
  });

  test.each([
    'socks5://secret-password@proxy:1',
    'http://',
    'http://u:secret-password@',
    'http://a:secret-password@b:99999',
  ])('%s is an error that does not show it', (written) => {
    const read = (): unknown => readProxy('HTTPS_PROXY', written);
    expect(read).toThrow(HostSettingError);
    expect(read).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('secret-password') }),
    );
  });
});
