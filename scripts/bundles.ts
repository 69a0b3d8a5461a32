/** Every bundle that ships: its entry, where it goes, and the module format its host loads fastest. */
export interface Bundle {
  /** Below `build/src/entries/`. */
  readonly entry: string;
  readonly folder: string;
  readonly file: string;
  readonly format: 'esm' | 'commonjs';
}

export const taskFolder = 'ado-task/EntraAppToken';

export const bundles: readonly Bundle[] = [
  { entry: 'github-main.js', folder: 'dist/main', file: 'index.js', format: 'esm' },
  { entry: 'github-post.js', folder: 'dist/post', file: 'index.js', format: 'esm' },
  // The agent keeps tasks in a folder of its own, without a package.json: Node takes their files for CommonJS.
  { entry: 'azure-pipelines-main.js', folder: taskFolder, file: 'index.js', format: 'commonjs' },
  { entry: 'azure-pipelines-post.js', folder: taskFolder, file: 'post.js', format: 'commonjs' },
];
