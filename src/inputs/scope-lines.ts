import { type Cloud, clouds } from '../azure/clouds.ts';
import { findAlias, scopeAliases } from '../azure/scope-aliases.ts';
import { isGuid } from '../exchange/claims.ts';
import { InputError, isHarmless, showLine, showValue } from './errors.ts';
import { reservedFor } from './reserved-names.ts';

/** One line of `scopes`. */
export interface ScopeLine {
  /** The variable that gives the token to later steps. */
  readonly name?: string;
  /** The scope as the user wrote it: the key in `access-tokens`. */
  readonly written: string;
  /** The full scope, ending in `/.default`. A registry exchanges the app's token for this scope for one of its own. */
  readonly scope: string;
  /** The login server of the container registry that the token is for. */
  readonly registry?: string;
}

/** What aliases stand for in this run. */
export interface AliasContext {
  readonly cloud: Cloud;
  /** The sign-in host's cloud, if its resources are not known. */
  readonly cloudWithoutPreset?: string;
}

/** Bounds the memory, the requests at the same time and the log. */
const mostLines = 50;
const suffix = '/.default';
const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/u;
/** A URI with a scheme, of printable ASCII without quotes, angle brackets and backslash (RFC 3986, section 2). */
const uri = /^[a-z][a-z0-9+.-]*:(?:\/\/)?(?!\/)[!#-&(-;=?-[\]-_a-z~]+$/iu;
/** Delegated permissions as Microsoft names them: https://learn.microsoft.com/graph/permissions-reference */
const permission =
  /\/(?:[A-Za-z][A-Za-z0-9-]+(?:\.[A-Z][A-Za-z0-9]+)+|user_impersonation|access_as_user|openid|profile|email|offline_access)$/u;

/**
 * Reads the `scopes` input: `[NAME =] SCOPE`, separated by line breaks and commas.
 *
 * @throws InputError naming the first line that is wrong
 */
export function readScopeLines(text: string, aliases: AliasContext): readonly ScopeLine[] {
  const written = text
    .split(/[\n,]/u)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (written.length > mostLines) {
    throw new InputError(
      'scopes',
      `It has ${written.length} scopes.`,
      `Use at most ${mostLines} in one step, and further steps for more.`,
    );
  }
  const lines = written.map((line) => readScopeLine(line, aliases));
  refuseRepeatedNames(lines);
  refuseSharedKeys(lines);
  return lines;
}

function readScopeLine(line: string, aliases: AliasContext): ScopeLine {
  if (line.startsWith('#')) {
    throw new InputError(
      'scopes',
      `${showLine(line)} looks like a comment.`,
      'Scopes cannot have comments. Put the comment above the input, outside the YAML block.',
    );
  }
  const { name, written } = splitName(line);
  if (name !== undefined) refuseReservedName(line, name);
  if (written === '') {
    throw new InputError('scopes', `${showLine(line)} has a name but no scope.`, 'Write NAME = SCOPE.');
  }
  if (/\s/u.test(written)) {
    throw new InputError(
      'scopes',
      `${showLine(line)} has white space inside its scope.`,
      'Write one scope per line. In YAML, start the block with “|”: a folded block (“>”) joins its lines with spaces.',
    );
  }
  const named = name === undefined ? {} : { name };
  if (!/^acr:/iu.test(written)) return { ...named, written, scope: fullScope(written, aliases) };
  const registry = loginServer(written.slice('acr:'.length), aliases);
  return { ...named, written, scope: fullScope('container-registry', aliases), registry };
}

function splitName(line: string): { readonly name?: string; readonly written: string } {
  const equals = line.indexOf('=');
  if (equals === -1) return { written: line };
  const name = line.slice(0, equals).trim();
  // `https://host/?a=b`: the part before `=` belongs to an address and is not meant as a name.
  if (/[:/]/u.test(name)) return { written: line };
  if (!variableName.test(name)) {
    throw new InputError(
      'scopes',
      `${showLine(line)}: ${showValue(name)} is not the name of a variable.`,
      'Use letters, digits and underscores. A name cannot begin with a digit.',
    );
  }
  return { name, written: line.slice(equals + 1).trim() };
}

/**
 * `NAME`, `NAME-HASH` or `NAME.REGION.geo` before the cloud's suffix. The app's token goes to this host, so nothing that
 * only looks like a registry is accepted.
 * https://learn.microsoft.com/azure/container-registry/container-registry-get-started-portal#azure-container-registry-login-server
 */
const registryName = /^[a-z0-9]{5,50}(-[a-z0-9]{4,20}|\.[a-z0-9]{3,30}\.geo)?$/u;

function loginServer(written: string, { cloud, cloudWithoutPreset }: AliasContext): string {
  if (cloudWithoutPreset !== undefined) {
    throw new InputError(
      ['scopes', 'authority-host'],
      `The addresses of container registries in the cloud of this sign-in host, ${cloudWithoutPreset}, are not known.`,
      `acr: works only in the clouds ${Object.keys(clouds).join(', ')}.`,
    );
  }
  // Without the flag `i`, which takes U+212A for a k: only ASCII letters.
  const host = /^[A-Za-z0-9.-]+$/u.test(written) ? written.toLowerCase() : '';
  if (isRegistryOf(cloud, host)) return host;
  const owner = Object.values(clouds).find((candidate) => isRegistryOf(candidate, host));
  if (owner !== undefined) {
    throw new InputError(
      ['scopes', 'cloud'],
      `${showValue(`acr:${written}`)} is a container registry of the cloud ${owner.name}, and this step uses the cloud ${cloud.name}.`,
      `Set {input:cloud} to ${owner.name}, or use a registry of the cloud ${cloud.name}.`,
    );
  }
  throw new InputError(
    'scopes',
    `${showValue(`acr:${written}`)} does not name a container registry.`,
    `Use the registry’s login server and nothing else, such as acr:contoso${cloud.registrySuffix}. To print it: az acr show --name <registry> --query loginServer --output tsv.`,
  );
}

function isRegistryOf({ registrySuffix }: Cloud, host: string): boolean {
  return host.endsWith(registrySuffix) && registryName.test(host.slice(0, -registrySuffix.length));
}

function fullScope(written: string, { cloud, cloudWithoutPreset }: AliasContext): string {
  const alias = findAlias(written);
  if (alias) {
    const resource = alias.resource[cloud.name];
    if (cloudWithoutPreset !== undefined) {
      throw new InputError(
        ['scopes', 'authority-host'],
        `The alias ${showValue(written)} has no known resource in the cloud of this sign-in host, ${cloudWithoutPreset}.`,
        'Use the full scope, such as https://management.example/.default.',
      );
    }
    if (resource === undefined) {
      throw new InputError(
        'scopes',
        `The alias ${showValue(written)} has no known resource in the cloud ${cloud.name}.`,
        'If the service exists there, use its full scope.',
      );
    }
    return resource + suffix;
  }
  if (isGuid(written)) return written.toLowerCase() + suffix;
  if (written.endsWith(suffix)) {
    const resource = written.slice(0, -suffix.length);
    if (isGuid(resource)) return written.toLowerCase();
    if (uri.test(resource)) return written;
  } else if (permission.test(written)) {
    const resource = written.replace(permission, '');
    throw new InputError(
      'scopes',
      `${showValue(written)} is a permission, not a resource.`,
      `An app’s own token has all permissions that were granted to the app. Use the resource${isHarmless(resource) ? `: ${resource}` : ' without the permission'}. If this text is itself a resource, append /.default.`,
    );
  } else if (uri.test(written) && !/\/\.default/iu.test(written)) {
    // Keep a slash at the end: it becomes part of the token's audience.
    return written + suffix;
  }
  throw new InputError(
    'scopes',
    `${showValue(written)} is neither an alias, nor a resource, nor a full scope.`,
    `Use a resource (https://vault.azure.net, api://<application ID>, a GUID), a resource with /.default, acr:<registry’s login server>, or one of these aliases: ${scopeAliases.flatMap((row) => row.names).join(', ')}.`,
  );
}

function refuseRepeatedNames(lines: readonly ScopeLine[]): void {
  const seen = new Set<string>();
  for (const { name, written } of lines) {
    if (name === undefined) continue;
    const key = name.toUpperCase();
    if (seen.has(key)) {
      throw new InputError(
        'scopes',
        `${showLine(`${name} = ${written}`)}: the name ${name} is used twice.`,
        'Use a different name for each token. Names that differ only in letter case are the same.',
      );
    }
    seen.add(key);
  }
}

/**
 * In `access-tokens` the key of a token is its name, or its scope as written. Two different keys must not differ only in
 * letter case, because GitHub's expressions ignore the case of keys, and a name must not be another line's scope.
 */
function refuseSharedKeys(lines: readonly ScopeLine[]): void {
  const seen = new Map<string, ScopeLine>();
  for (const line of lines) {
    const key = line.name ?? line.written;
    const twin = seen.get(key.toLowerCase());
    // The same scope twice without a name is one key for one token.
    const same = twin?.name === undefined && line.name === undefined && twin?.written === line.written;
    if (twin !== undefined && !same) {
      throw new InputError(
        'scopes',
        `Two lines have the same key${isHarmless(key) ? `, ${key},` : ''} in {output:access-tokens} (letter case does not count). One of the two tokens would be lost.`,
        'Use a different name for one of them.',
      );
    }
    seen.set(key.toLowerCase(), line);
  }
}

function refuseReservedName(line: string, name: string): void {
  const reason = reservedFor(name);
  if (reason === undefined) return;
  throw new InputError(
    'scopes',
    `${showLine(line)}: the name ${name} is reserved because ${reason}.`,
    'Use another name, such as APP_TOKEN.',
  );
}
