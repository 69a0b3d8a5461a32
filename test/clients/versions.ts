import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { javaProgram } from './installed.ts';

type Versions = Readonly<Record<string, string>>;

const found = (name: string, version: string | undefined): string => {
  if (version === undefined || version === '') throw new Error(`No version of ${name} was found.`);
  return version;
};

/** Modules of the Go programs, as `go.mod` pins them. */
export function goModules(...names: readonly string[]): Versions {
  const text = ['go', 'go-registries']
    .map((module) => readFileSync(`test/clients/${module}/go.mod`, 'utf8'))
    .join('\n');
  return Object.fromEntries(
    names.map((name) => {
      const words = text.split('\n').map((line) =>
        line
          .replace(/^require /u, '')
          .trim()
          .split(' '),
      );
      return [name, found(name, words.find(([module]) => module === name)?.[1])];
    }),
  );
}

/** Packages of a virtual environment, given its Python. */
export function pythonPackages(python: string, ...names: readonly string[]): Versions {
  const source = 'import sys, importlib.metadata as m; print(*(m.version(name) for name in sys.argv[1:]))';
  const versions = execFileSync(python, ['-c', source, ...names], { encoding: 'utf8' })
    .trim()
    .split(' ');
  return Object.fromEntries(names.map((name, index) => [name, found(name, versions[index])]));
}

/** Packages in `node_modules`. */
export function npmPackages(...names: readonly string[]): Versions {
  return Object.fromEntries(
    names.map((name) => {
      const { version } = JSON.parse(readFileSync(join('node_modules', name, 'package.json'), 'utf8'));
      return [name, found(name, version)];
    }),
  );
}

/** Archives beside the program in Java. */
export function javaArchives(...names: readonly string[]): Versions {
  const files = readdirSync(join(dirname(dirname(javaProgram.path)), 'lib'));
  return Object.fromEntries(
    names.map((name) => {
      const versions = files.flatMap(
        (file) => new RegExp(`^${name}-([0-9.]+)\\.jar$`, 'u').exec(file)?.[1] ?? [],
      );
      return [name, found(name, versions[0])];
    }),
  );
}

/** What a program prints about its version, by a pattern with one group. */
export function printedVersion(
  name: string,
  [program, ...words]: readonly [string, ...string[]],
  pattern: RegExp,
  environment: Readonly<Record<string, string>> = {},
): Versions {
  const env = { ...process.env, ...environment };
  return { [name]: found(name, pattern.exec(execFileSync(program, words, { encoding: 'utf8', env }))?.[1]) };
}
