import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { zipSync } from 'fflate';
import type { Emulator } from '../../emulator/emulator.ts';
import { feedSoftware } from './installed.ts';

/** The feed of the default world. */
export const feed = 'contoso/_packaging/packages';
const feedUrl = `https://pkgs.dev.azure.com/${feed}`;
/** What the packages `@contoso/greeting` and `contoso-greeting` contain. */
export const greeting = 'Hello from the feed';

/** Real feed software behind the embedded Azure Artifacts. It asks nobody for a token: that is the emulator's part. */
export interface FeedSoftware {
  /** All that was published is below this folder. */
  readonly storage: string;
  stop(): Promise<void>;
}

const installed = dirname(dirname(feedSoftware.path));

/** verdaccio for npm, pypiserver for Python, and a Maven repository as plain files. Each has one package of Contoso. */
export async function startFeedSoftware(azure: Emulator): Promise<FeedSoftware> {
  const storage = mkdtempSync(join(tmpdir(), 'feed-'));
  const folder = (name: string): string => {
    const path = join(storage, name);
    mkdirSync(path);
    return path;
  };

  const verdaccio = start(process.execPath, [
    resolve('test/clients/feeds/verdaccio.cjs'),
    join(installed, 'node_modules'),
    folder('npm'),
    `${feedUrl}/npm/registry/`,
  ]);
  const wheels = folder('python');
  cpSync(join(installed, 'wheels'), wheels, { recursive: true });
  writeFileSync(join(wheels, 'contoso_greeting-1.0.0-py3-none-any.whl'), wheel());
  const pypi = start(join(installed, 'python/bin/python'), [
    resolve('test/clients/feeds/pypi_server.py'),
    wheels,
  ]);
  const maven = mavenRepository([folder('maven'), join(installed, 'maven')]);
  await new Promise<void>((listening) => maven.listen(0, '127.0.0.1', listening));

  const npmPort = await verdaccio.port;
  await publishToNpm(npmPort);
  const pypiPort = await pypi.port;
  azure.feeds.serve(`${feed}/npm/registry`, npmPort);
  azure.feeds.serve(`${feed}/pypi`, pypiPort);
  azure.feeds.serve(`${feed}/pypi/upload`, pypiPort);
  azure.feeds.serve(`${feed}/maven/v1`, (maven.address() as AddressInfo).port);
  return {
    storage,
    stop: async () => {
      await Promise.all([verdaccio.stop(), pypi.stop()]);
      maven.closeAllConnections();
      await new Promise((closed) => maven.close(closed));
      rmSync(storage, { recursive: true });
    },
  };
}

interface Program {
  /** The program prints `port NUMBER` when it listens. */
  readonly port: Promise<number>;
  stop(): Promise<void>;
}

function start(program: string, words: readonly string[]): Program {
  const { PATH = '' } = process.env;
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH, HOME: tmpdir() } });
  const ended = new Promise<void>((done) => child.once('close', () => done()));
  return {
    port: portOf(child),
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function portOf(child: ChildProcess): Promise<number> {
  return new Promise((found, failed) => {
    let output = '';
    const read = (chunk: Buffer): void => {
      output += chunk.toString('utf8');
      const port = /^port (\d+)$/mu.exec(output)?.[1];
      if (port !== undefined) found(Number(port));
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('close', (code) => failed(new Error(`${child.spawnfile} ended with ${code}:\n${output}`)));
  });
}

/** Serves the files of the first folder that has them, and writes into the first folder. */
function mavenRepository(folders: readonly [string, ...string[]]): Server {
  return createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '');
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (request.method === 'PUT') {
        mkdirSync(dirname(join(folders[0], path)), { recursive: true });
        writeFileSync(join(folders[0], path), Buffer.concat(chunks));
        response.writeHead(201).end();
        return;
      }
      const file = folders
        .map((one) => join(one, path))
        .find((one) => existsSync(one) && statSync(one).isFile());
      if (file === undefined) response.writeHead(404).end();
      else response.writeHead(200).end(readFileSync(file));
    });
  });
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** https://packaging.python.org/en/latest/specifications/binary-distribution-format/ */
function wheel(): Uint8Array {
  const about = 'contoso_greeting-1.0.0.dist-info';
  const files = ['contoso_greeting.py', `${about}/METADATA`, `${about}/WHEEL`, `${about}/RECORD`];
  return zipSync({
    'contoso_greeting.py': bytes(`GREETING = ${JSON.stringify(greeting)}\n`),
    [`${about}/METADATA`]: bytes('Metadata-Version: 2.1\nName: contoso-greeting\nVersion: 1.0.0\n'),
    [`${about}/WHEEL`]: bytes(
      'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    ),
    [`${about}/RECORD`]: bytes(files.map((file) => `${file},,\n`).join('')),
  });
}

/** As `npm publish` does it, without a user: npm refuses to publish without a token. */
async function publishToNpm(port: number): Promise<void> {
  const name = '@contoso/greeting';
  const file = 'greeting-1.0.0.tgz';
  const version = { name, version: '1.0.0', main: 'index.js' };
  const folder = mkdtempSync(join(tmpdir(), 'greeting-'));
  mkdirSync(join(folder, 'package'));
  writeFileSync(join(folder, 'package/package.json'), JSON.stringify(version));
  writeFileSync(join(folder, 'package/index.js'), `module.exports = ${JSON.stringify(greeting)};\n`);
  const archive = execFileSync('tar', ['--create', '--gzip', '--directory', folder, 'package']);
  rmSync(folder, { recursive: true });
  const dist = {
    integrity: `sha512-${createHash('sha512').update(archive).digest('base64')}`,
    tarball: `http://127.0.0.1:${port}/${name}/-/${file}`,
  };
  const data = archive.toString('base64');
  const answer = await fetch(`http://127.0.0.1:${port}/@contoso%2fgreeting`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify({
      _id: name,
      name,
      'dist-tags': { latest: '1.0.0' },
      versions: { '1.0.0': { ...version, dist } },
      _attachments: { [file]: { content_type: 'application/octet-stream', data, length: archive.length } },
    }),
  });
  if (answer.status !== 201) throw new Error(`verdaccio answered ${answer.status}: ${await answer.text()}`);
}

/** Names of the files in a folder and below, for what was published. */
export const filesBelow = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
