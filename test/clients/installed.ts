import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/** A program that `npm ci` does not bring. `scripts/install-clients.sh` installs it. */
export interface Client {
  readonly title: string;
  readonly path: string;
}

const client = (title: string, path: string): Client => ({ title, path: resolve('build/clients', path) });

export const azureCli = client('az of PyPI', 'azure-cli/bin/az');
export const azureCliOfDebian = client('az of Debian', 'azure-cli-debian/bin/az');
export const pythonWithSdk = client(
  'Python with azure-identity and azure-storage-blob',
  'azure-sdk/bin/python',
);
export const fabricCli = client('the Fabric CLI', 'fabric-cli/bin/fab');
export const ansiblePlaybook = client('ansible-playbook', 'ansible/bin/ansible-playbook');
export const zizmor = client('zizmor', 'zizmor/bin/zizmor');
export const azcopy = client(
  'azcopy',
  'azcopy/node_modules/@azure-tools/azcopy-linux/dist/bin/azcopy_linux_amd64',
);
export const kubelogin = client('kubelogin', 'go/bin/kubelogin');
export const goProgram = client('the program in Go', 'go/bin/exported-identity');
export const crane = client('crane', 'go-registries/bin/crane');
export const oras = client('oras', 'go-registries/bin/oras');
export const helm = client('helm', 'go-registries/bin/helm');
export const registryServer = client('the registry of distribution', 'go-registries/bin/registry');
export const javaProgram = client('the program in Java', 'java/classes/ExportedIdentity.class');
/** verdaccio and pypiserver, and in the same folder what they serve. */
export const feedSoftware = client('feed software', 'feeds/node_modules/verdaccio');
export const uv = client('uv', 'feeds/python/bin/uv');

export const clients: readonly Client[] = [
  azureCli,
  azureCliOfDebian,
  pythonWithSdk,
  fabricCli,
  ansiblePlaybook,
  zizmor,
  azcopy,
  kubelogin,
  goProgram,
  crane,
  oras,
  helm,
  registryServer,
  javaProgram,
  feedSoftware,
  uv,
];

export function isInstalled({ path }: Client): boolean {
  return existsSync(path);
}
