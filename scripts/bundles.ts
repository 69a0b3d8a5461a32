/** Every bundle that ships: its entry, where it goes, and the module format its host loads fastest. */
export interface Bundle {
  /** Below `build/src/entries/`. */
  readonly entry: string;
  readonly folder: string;
  readonly file: string;
  readonly format: 'esm' | 'commonjs';
  /** Other files lie in the folder: only this bundle's are replaced. */
  readonly sharesFolder?: true;
}

export const taskFolder = 'ado-task/EntraAppToken';

export const bundles: readonly Bundle[] = [
  { entry: 'github-main.js', folder: 'dist/main', file: 'index.js', format: 'esm' },
  { entry: 'github-post.js', folder: 'dist/post', file: 'index.js', format: 'esm' },
  // The agent keeps tasks in a folder of its own, without a package.json: Node takes their files for CommonJS.
  {
    entry: 'azure-pipelines-main.js',
    folder: taskFolder,
    file: 'index.js',
    format: 'commonjs',
    sharesFolder: true,
  },
  {
    entry: 'azure-pipelines-post.js',
    folder: taskFolder,
    file: 'post.js',
    format: 'commonjs',
    sharesFolder: true,
  },
];

/** Where the bundler runs: it takes its module paths from the tsconfig.json it finds there. */
export const workshop = 'build/bundling';

/** Packages that the bundles import and never call, and what stands in for them. */
export const leftOut: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  ['open', 'undici', '@actions/http-client', '@actions/http-client/lib/auth'].map((name) => [
    name,
    ['../scripts/left-out.js'],
  ]),
);
