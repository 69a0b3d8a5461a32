import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Emulator } from '../../emulator/emulator.ts';
import { registryServer } from './installed.ts';

/** A real registry behind a login server of the embedded Azure. */
export interface RegistryServer {
  readonly loginServer: string;
  /** The tags of a repository, as the registry stores them. */
  tags(repository: string): readonly string[];
  /** Removes a repository. */
  forget(repository: string): void;
  stop(): Promise<void>;
}

/** @param folder where it keeps its configuration and its blobs */
export async function startRegistryServer(azure: Emulator, folder: string): Promise<RegistryServer> {
  const loginServer = 'contoso.azurecr.io';
  const home = join(folder, 'registry');
  mkdirSync(home);
  const certificate = join(home, 'token.pem');
  writeFileSync(certificate, await azure.registry.tokenCertificate());
  const port = await freePort();
  const configuration = join(home, 'configuration.yml');
  // JSON is YAML.
  writeFileSync(
    configuration,
    JSON.stringify({
      version: '0.1',
      log: { level: 'info' },
      storage: { filesystem: { rootdirectory: join(home, 'blobs') } },
      http: { addr: `127.0.0.1:${port}`, secret: 'only-for-tests' },
      auth: {
        token: {
          realm: `https://${loginServer}/oauth2/token`,
          service: loginServer,
          issuer: azure.registry.tokenIssuer,
          rootcertbundle: certificate,
          signingalgorithms: ['RS256'],
        },
      },
    }),
  );
  const server = spawn(registryServer.path, ['serve', configuration], {
    env: { PATH: process.env['PATH'] ?? '', OTEL_TRACES_EXPORTER: 'none' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await untilListening(server);
  azure.registry.serve(loginServer, port);
  const repositories = join(home, 'blobs', 'docker', 'registry', 'v2', 'repositories');
  return {
    loginServer,
    tags: (repository) => readdirSync(join(repositories, repository, '_manifests', 'tags')),
    forget: (repository) => rmSync(join(repositories, repository), { recursive: true, force: true }),
    stop: async () => {
      const ended = once(server, 'exit');
      server.kill();
      await ended;
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('The probe has no port.');
  return address.port;
}

async function untilListening({ stderr }: ChildProcess): Promise<void> {
  if (stderr === null) throw new Error('The registry has no log.');
  const said: string[] = [];
  for await (const line of createInterface({ input: stderr })) {
    said.push(line);
    if (line.includes('listening on')) {
      stderr.resume();
      return;
    }
  }
  throw new Error(`The registry did not start:\n${said.join('\n')}`);
}
