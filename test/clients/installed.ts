import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/** A program that others wrote and that npm does not carry. `scripts/install-clients.sh` installs it. */
export interface Client {
  readonly title: string;
  readonly path: string;
}

export const azureCli: Client = { title: 'az', path: resolve('build/clients/azure-cli/bin/az') };

export const pythonWithSdk: Client = {
  title: 'Python with azure-identity and azure-storage-blob',
  path: resolve('build/clients/azure-sdk/bin/python'),
};

export const clients: readonly Client[] = [azureCli, pythonWithSdk];

export function isInstalled({ path }: Client): boolean {
  return existsSync(path);
}
