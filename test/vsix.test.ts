import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { packVsix, readVsix, type Vsix } from '../scripts/vsix.ts';
import { AgentJob } from './harness/agent.ts';
import { agentNodes } from './harness/nodes.ts';
import type { TaskManifest } from './harness/task-manifest.ts';

/** Checks of the packed extension that tfx does not make. They need the task's bundles: `npm run build`. */

const root = process.cwd();
const packageJson = JSON.parse(readFileSync('package.json', 'utf8')) as { name: string; version: string };
const folder = mkdtempSync(join(tmpdir(), 'vsix-'));
let vsix: Vsix;

beforeAll(async () => {
  vsix = await packVsix(root, folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const names = () => vsix.parts.map(({ name }) => name);

function part(name: string): Buffer {
  const found = vsix.parts.find((one) => one.name === name);
  if (found === undefined) throw new Error(`The package has no ${name}.`);
  return Buffer.from(found.content);
}

const extension = () =>
  JSON.parse(part('extension.vsomanifest').toString()) as {
    contributions: { type: string; targets: string[]; properties: { name: string } }[];
  };
const task = () => JSON.parse(part('EntraAppToken/task.json').toString()) as TaskManifest;

test('the package has its version in its name and holds only the files that it needs', () => {
  expect(vsix.path).toBe(join(folder, `${packageJson.name}-${packageJson.version}.vsix`));
  const unexpected = names().filter(
    (name) =>
      !/^(?:\[Content_Types\]\.xml|extension\.vsixmanifest|extension\.vsomanifest|overview\.md|license\.txt|images\/extension-icon\.png)$/.test(
        name,
      ) &&
      !/^EntraAppToken\/(?:task\.json|icon\.png|index\.js|post\.js|(?:git-credential|endpoint)\.js|\d+\.(?:index|post|git-credential|endpoint)\.js|(?:(?:post|git-credential|endpoint)\.)?licenses\.txt)$/.test(
        name,
      ),
  );
  expect(unexpected).toEqual([]);
});

test('it has no source map, no module folder and no dot file, and no bundle names the folder it was built in', () => {
  expect(
    names().filter((name) => /\.map$|node_modules|(?:^|\/)\.|\.tsx?$|package(?:-lock)?\.json$/.test(name)),
  ).toEqual([]);
  for (const { name, content } of vsix.parts.filter((one) => one.name.endsWith('.js'))) {
    const text = Buffer.from(content).toString();
    // With the folder's name in it, a build on another machine would give other bytes.
    expect({
      name,
      namesItsFolder: text.includes(root),
      hasSourceMap: text.includes('sourceMappingURL='),
    }).toEqual({
      name,
      namesItsFolder: false,
      hasSourceMap: false,
    });
  }
});

test('its page has the license, a banner and an icon', () => {
  const manifest = part('extension.vsixmanifest').toString();
  expect(part('license.txt').toString()).toBe(readFileSync('LICENSE', 'utf8'));
  expect(manifest).toContain('<License>license.txt</License>');
  expect(manifest).toMatch(/Branding\.Color" Value="#[0-9a-f]{6}"/u);
  expect(manifest).toContain('<Icon>images/extension-icon.png</Icon>');
});

test('it stays small', () => {
  expect(vsix.size).toBeGreaterThan(50_000);
  expect(vsix.size).toBeLessThan(1_000_000);
});

test('every contribution is a task whose folder is in the package', () => {
  const { contributions } = extension();
  expect(contributions).toHaveLength(1);
  for (const { type, targets, properties } of contributions) {
    expect(type).toBe('ms.vss-distributed-task.task');
    expect(targets).toEqual(['ms.vss-distributed-task.tasks']);
    expect(names()).toContain(`${properties.name}/task.json`);
  }
});

test('the task has a GUID, a name, and handlers whose files are in the package', () => {
  const { id, name, execution, postjobexecution } = task();
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(name).toMatch(/^[A-Za-z0-9-]+$/);
  for (const [handlers, target] of [
    [execution, 'index.js'],
    [postjobexecution, 'post.js'],
  ] as const) {
    expect(handlers).toEqual({ Node20_1: { target }, Node24: { target } });
    expect(part(`EntraAppToken/${target}`).length).toBeGreaterThan(1000);
  }
});

test('extension, task and project have one version', () => {
  const { Major, Minor, Patch } = task().version;
  expect(`${Major}.${Minor}.${Patch}`).toBe(packageJson.version);
  const identity = /<Identity [^>]*>/.exec(part('extension.vsixmanifest').toString())?.[0];
  expect(identity).toContain(`Version="${packageJson.version}"`);
  expect(identity).toContain('Id="entra-app-token"');
});

test.each([
  ['EntraAppToken/icon.png', 32],
  ['images/extension-icon.png', 128],
])('%s is a square PNG of %i pixels', (name, size) => {
  const png = part(name);
  expect(png.subarray(0, 8)).toEqual(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]));
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([size, size]);
});

test('the written file holds the parts of the package', () => {
  const hashes = (parts: Vsix['parts']) =>
    parts.map(({ name, content }) => [name, createHash('sha256').update(content).digest('hex')]);
  expect(hashes(readVsix(vsix.path))).toEqual(hashes(vsix.parts));
});

test.each(['Asia/Tokyo', 'America/New_York'])(
  'packing again with the clock of %s gives the same bytes',
  (TZ) => {
    const module = pathToFileURL(join(root, 'build', 'scripts', 'vsix.js')).href;
    const outputFolder = join(folder, TZ);
    // A process of its own, because Node reads the time zone at its start.
    const script = `import { packVsix } from ${JSON.stringify(module)};
    console.log((await packVsix(${JSON.stringify(root)}, ${JSON.stringify(outputFolder)})).path);`;
    const path = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
      encoding: 'utf8',
      env: { ...process.env, TZ },
    }).trimEnd();
    expect(readFileSync(path).equals(readFileSync(vsix.path))).toBe(true);
  },
);

describe('unpacked into an empty folder', () => {
  beforeAll(() => {
    for (const { name, content } of vsix.parts.filter((one) => one.name.startsWith('EntraAppToken/'))) {
      const path = join(folder, 'unpacked', name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
    }
  });

  test.each(agentNodes)(
    'the task runs until its first request, and its clean-up succeeds (Node $major)',
    async ({ path }) => {
      const job = new AgentJob({ taskDirectory: join(folder, 'unpacked', 'EntraAppToken'), node: path });
      const result = await job.step({
        inputs: {
          clientId: '11111111-1111-1111-1111-111111111111',
          tenantId: '22222222-2222-2222-2222-222222222222',
          managedIdentityClientId: '33333333-3333-3333-3333-333333333333',
          timeoutSeconds: '1',
        },
      });
      const [post] = await job.post();
      job.close();
      expect(result.result).toBe('Failed');
      expect(result.annotations).toHaveLength(1);
      expect(post?.result).toBe('Succeeded');
      for (const { stdout, stderr } of [result.raw, post?.raw ?? result.raw]) {
        expect(stdout + stderr).not.toMatch(
          /Cannot find module|SyntaxError|ReferenceError|is not in the bundle/,
        );
      }
    },
  );
});
