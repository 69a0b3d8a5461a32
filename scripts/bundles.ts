import { basename } from 'node:path';

/** A bundle that ships: its entry point, where it goes, and the module format that its host loads fastest. */
export interface Bundle {
  /** The entry point's compiled file in `build/${entryFolder}/`. */
  readonly entry: string;
  readonly folder: string;
  readonly file: string;
  readonly format: 'esm' | 'commonjs';
  readonly licenses: string;
  /** The syntax of the first file, which says on an old Node that it is too old. Code that is loaded later is newer. */
  readonly firstFile: 'es2018' | 'es2022';
  /** The folder also has files that no bundler wrote. Only this bundle's own files are replaced. */
  readonly sharesFolder?: true;
  /** One file that can be copied anywhere and started by its name, without files that are loaded later. */
  readonly alone?: true;
}

/** Where the entry points are. */
export const entryFolder = 'src/main';

export const taskFolder = 'ado-task/EntraAppToken';

export const bundles: readonly Bundle[] = [
  {
    entry: 'github-main.js',
    folder: 'dist/main',
    file: 'index.js',
    format: 'esm',
    firstFile: 'es2022',
    licenses: 'licenses.txt',
  },
  {
    entry: 'github-post.js',
    folder: 'dist/post',
    file: 'index.js',
    format: 'esm',
    firstFile: 'es2022',
    licenses: 'licenses.txt',
  },
  // The agent copies a task into a folder without a package.json, so Node reads its files as CommonJS.
  {
    entry: 'azure-pipelines-main.js',
    folder: taskFolder,
    file: 'index.js',
    format: 'commonjs',
    firstFile: 'es2018',
    licenses: 'licenses.txt',
    sharesFolder: true,
  },
  {
    entry: 'azure-pipelines-post.js',
    folder: taskFolder,
    file: 'post.js',
    format: 'commonjs',
    firstFile: 'es2018',
    licenses: 'post.licenses.txt',
    sharesFolder: true,
  },
  // Git starts it with the Node that ran the step, so it never meets an old one.
  {
    entry: 'git-credential.js',
    folder: 'dist/git-credential',
    file: 'index.js',
    format: 'esm',
    firstFile: 'es2022',
    licenses: 'licenses.txt',
  },
  {
    entry: 'git-credential.js',
    folder: taskFolder,
    file: 'git-credential.js',
    format: 'commonjs',
    firstFile: 'es2022',
    licenses: 'git-credential.licenses.txt',
    sharesFolder: true,
  },
  // The step starts it with its own Node.
  {
    entry: 'endpoint.js',
    folder: 'dist/endpoint',
    file: 'index.js',
    format: 'esm',
    firstFile: 'es2022',
    licenses: 'licenses.txt',
  },
  {
    entry: 'endpoint.js',
    folder: taskFolder,
    file: 'endpoint.js',
    format: 'commonjs',
    firstFile: 'es2022',
    licenses: 'endpoint.licenses.txt',
    sharesFolder: true,
  },
  // Users copy this file to any folder and give it any name. Without a package.json, Node before 20.19 reads CommonJS only.
  {
    entry: 'command.js',
    folder: 'dist/command',
    file: 'index.js',
    format: 'commonjs',
    firstFile: 'es2022',
    licenses: 'licenses.txt',
    alone: true,
  },
];

/** Whether a file of the bundle's folder belongs to it. */
export function isFileOf({ file, licenses, sharesFolder }: Bundle, path: string): boolean {
  const name = basename(path);
  // The bundler names the code that is loaded later after the bundle: `123.index.js`.
  return (
    !sharesFolder || name === file || name === licenses || (/^\d+\./u.test(name) && name.endsWith(`.${file}`))
  );
}

/**
 * Where the bundler runs. It takes its module paths from the `tsconfig.json` in this folder. `npm run build` also keeps
 * here what it remembers about each bundle.
 */
export const bundlerDir = 'build/bundling';

/** A bundle's own name for the files in `bundlerDir`. Two bundles can have one entry point. */
export function bundleName({ folder, file }: Bundle): string {
  return `${folder}/${file}`.replaceAll('/', '.');
}

/** The modules that the bundler put into a bundle, as paths from the repository's folder. `bundle.ts` writes the list. */
export function moduleListFile(bundle: Bundle): string {
  return `${bundlerDir}/${bundleName(bundle)}.modules.json`;
}

/** Packages that the bundles import and never call. `package-stub.ts` takes their place and says why. */
const stubbedPackages = ['open', 'undici', '@actions/http-client', '@actions/http-client/lib/auth'];

/** The bundler's TypeScript configuration: its paths lead the stubbed packages to the stub. */
export const bundlerConfig = {
  compilerOptions: {
    baseUrl: '.',
    paths: Object.fromEntries(stubbedPackages.map((name) => [name, ['../scripts/package-stub.js']])),
  },
};
