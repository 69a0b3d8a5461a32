/**
 * `npm run docs`: writes docs/tools.md from the rows in `tools-rows.ts` and the proofs in `tools-proofs.json`. If
 * `npm run test:clients` has left proofs, they replace those of the same tools in that file first.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { lasting, type ToolPageRow, toolPageRows } from './tools-rows.ts';

export const toolsFile = 'docs/tools.md';
const proofsFile = 'scripts/tools-proofs.json';
const newProofs = 'build/clients/proof';

/** What the tests proved about one tool, on all hosts. */
export interface KeptProof {
  readonly tool: string;
  /** Lists, separated by commas. */
  readonly versions: string;
  readonly hosts: string;
}

/** The part of a proof file of `test/clients/proof.ts` that the page uses. */
export interface ProofFile {
  readonly tool: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly host: string;
}

/** Kept proofs, with those of `files` in place of older ones of the same tool. Sorted, so that a diff is small. */
export function mergeProofs(kept: readonly KeptProof[], files: readonly ProofFile[]): readonly KeptProof[] {
  const fresh = new Map<string, { readonly versions: Set<string>; readonly hosts: Set<string> }>();
  for (const { tool, versions, host } of files) {
    // A tool that is tested in several versions has its version in the name.
    const name = tool.replace(/ \d+(\.\d+)+$/u, '');
    const proof = fresh.get(name) ?? { versions: new Set(), hosts: new Set() };
    for (const [part, version] of Object.entries(versions)) {
      proof.versions.add(`${part} ${version.replace(/^v(?=\d)/u, '')}`);
    }
    // "Azure Pipelines on Node 20": the page does not tell Nodes apart.
    proof.hosts.add(host.replace(/ on Node \d+$/u, ''));
    fresh.set(name, proof);
  }
  const merged = [
    ...kept.filter(({ tool }) => !fresh.has(tool)),
    ...[...fresh].map(([tool, { versions, hosts }]) => ({
      tool,
      versions: [...versions].sort().join(', '),
      hosts: [...hosts].sort().join(', '),
    })),
  ];
  return merged.sort((a, b) => (a.tool < b.tool ? -1 : 1));
}

export function readProofs(): readonly KeptProof[] {
  return JSON.parse(readFileSync(proofsFile, 'utf8')) as readonly KeptProof[];
}

/** The page as it should be. */
export function toolsPage(proofs: readonly KeptProof[]): string {
  return [
    '# Tools: which input to give',
    '',
    'Find your tool, give the step the input in its row, and use the tool in a later step. `npm run docs` makes this page.',
    '',
    '- **last tested**: the versions that `npm run test:clients` last ran against the embedded Azure, with only what the step handed over. "Run elsewhere" means: on another machine, outside these tests. "Not run" means: not tested; the row comes from the source that it names.',
    '- **renews itself**: whether the tool gets a new app token when the old one expires.',
    '- **long jobs**: how long the tool works. Up to 24 hours means: until `federated-token-expires-on`. See [Long jobs](long-jobs.md).',
    '',
    '| tool | last tested | input | reads | renews itself | long jobs |',
    '| --- | --- | --- | --- | --- | --- |',
    ...toolPageRows.map((row) => {
      const { renews, longJobs } = lasting[row.lasts];
      return `| ${[row.tool, lastTested(row, proofs), row.input, row.reads, renews, longJobs].join(' | ')} |`;
    }),
    '',
    'With `export`, a private file holds the assertion. For up to 24 hours it signs in, from anywhere, as every app that',
    'trusts the identity. Use a token where it is enough: [Security](security.md#what-the-step-hands-out).',
    '',
    '## Known traps',
    '',
    ...toolPageRows.flatMap(({ tool, traps = [] }) =>
      traps.length === 0 ? [] : [`### ${tool}`, '', ...traps.map((trap) => `- ${trap}`), ''],
    ),
  ].join('\n');
}

export function lastTested({ tested }: ToolPageRow, proofs: readonly KeptProof[]): string {
  switch (tested.kind) {
    case 'here': {
      const proof = proofs.find(({ tool }) => tool === tested.proof);
      return proof === undefined ? 'not run yet' : `${proof.versions}; ${proof.hosts}`;
    }
    case 'elsewhere':
      return `run elsewhere: ${tested.versions}`;
    case 'not-run':
      return `not run; source: ${tested.source}`;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const files = existsSync(newProofs) ? readdirSync(newProofs).sort() : [];
  const fresh = files.map((name) => JSON.parse(readFileSync(join(newProofs, name), 'utf8')) as ProofFile);
  const known = new Set(toolPageRows.flatMap(({ tested }) => (tested.kind === 'here' ? [tested.proof] : [])));
  const proofs = mergeProofs(existsSync(proofsFile) ? readProofs() : [], fresh).filter(({ tool }) =>
    known.has(tool),
  );
  writeFileSync(proofsFile, `${JSON.stringify(proofs, null, 2)}\n`);
  writeFileSync(toolsFile, toolsPage(proofs));
}
