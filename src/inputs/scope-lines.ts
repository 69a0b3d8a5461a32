import type { Cloud } from '../azure/clouds.ts';
import { aliasNamed, scopeAliases } from '../azure/scope-aliases.ts';
import { guidPattern } from './identifiers.ts';
import { InputProblem, quoted } from './problem.ts';
import { reservedFor } from './reserved-names.ts';

/** One line of `scopes`, understood. */
export interface ScopeLine {
  /** The variable that hands the token to later steps. */
  readonly name?: string;
  /** The scope as the user wrote it: the key in `access-tokens`. */
  readonly written: string;
  /** The full scope, ending in `/.default`. */
  readonly scope: string;
}

/** What aliases mean for this run. */
export interface AliasContext {
  readonly cloud: Cloud;
  /** The sign-in host's cloud, when it is one whose resources are not known here. */
  readonly unnamedCloud?: string;
}

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
 * @throws InputProblem naming the first line that is wrong
 */
export function readScopeLines(text: string, aliases: AliasContext): readonly ScopeLine[] {
  const lines = text
    .split(/[\n,]/u)
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => readScopeLine(line, aliases));
  refuseRepeatedNames(lines);
  refuseSharedKeys(lines);
  return lines;
}

function readScopeLine(line: string, aliases: AliasContext): ScopeLine {
  const { name, written } = splitName(line);
  if (name !== undefined) refuseReservedName(line, name);
  if (written === '') {
    throw new InputProblem('scopes', `Line ${quoted(line)} has a name and no scope.`, 'Write NAME = SCOPE.');
  }
  if (/\s/u.test(written)) {
    throw new InputProblem(
      'scopes',
      `Line ${quoted(line)} has white space inside its scope.`,
      'Write one scope a line. In YAML begin the block with “|”: a folded block (“>”) joins its lines with spaces.',
    );
  }
  return { ...(name !== undefined && { name }), written, scope: fullScope(written, aliases) };
}

function splitName(line: string): { readonly name?: string; readonly written: string } {
  const equals = line.indexOf('=');
  if (equals === -1) return { written: line };
  const name = line.slice(0, equals).trim();
  // `https://host/?a=b`: what stands before the sign is part of an address, not an attempt at a name.
  if (/[:/]/u.test(name)) return { written: line };
  if (!variableName.test(name)) {
    throw new InputProblem(
      'scopes',
      `Line ${quoted(line)}: ${quoted(name)} is not a variable’s name.`,
      'A name has letters, digits and underscores and does not begin with a digit.',
    );
  }
  return { name, written: line.slice(equals + 1).trim() };
}

function fullScope(written: string, { cloud, unnamedCloud }: AliasContext): string {
  const alias = aliasNamed(written);
  if (alias) {
    const resource = alias.resource[cloud.name];
    if (unnamedCloud !== undefined) {
      throw new InputProblem(
        ['scopes', 'authority-host'],
        `The alias ${quoted(written)} has no known resource in the cloud ${unnamedCloud} of this sign-in host.`,
        'Give the full scope, such as https://management.example/.default.',
      );
    }
    if (resource === undefined) {
      throw new InputProblem(
        'scopes',
        `The alias ${quoted(written)} has no known resource in the cloud ${cloud.name}.`,
        'Give the full scope if the service exists there.',
      );
    }
    return resource + suffix;
  }
  if (guidPattern.test(written)) return written.toLowerCase() + suffix;
  if (written.endsWith(suffix)) {
    const resource = written.slice(0, -suffix.length);
    if (guidPattern.test(resource)) return written.toLowerCase();
    if (uri.test(resource)) return written;
  } else if (permission.test(written)) {
    throw new InputProblem(
      'scopes',
      `${quoted(written)} is a permission of a resource.`,
      `An app’s own token carries all permissions granted to the app: ask for the resource, ${quoted(written.replace(permission, ''))}. If it is itself a resource, append /.default.`,
    );
  } else if (uri.test(written) && !/\/\.default/iu.test(written)) {
    // Nothing is stripped: a slash at the end becomes part of the token's audience.
    return written + suffix;
  }
  throw new InputProblem(
    'scopes',
    `${quoted(written)} is neither an alias nor a resource nor a full scope.`,
    `Give a resource (https://vault.azure.net, api://<application ID>, a GUID), the same with /.default, or one of: ${scopeAliases.flatMap((row) => row.names).join(', ')}.`,
  );
}

function refuseRepeatedNames(lines: readonly ScopeLine[]): void {
  const seen = new Set<string>();
  for (const { name, written } of lines) {
    if (name === undefined) continue;
    const key = name.toUpperCase();
    if (seen.has(key)) {
      throw new InputProblem(
        'scopes',
        `Line ${quoted(`${name} = ${written}`)}: the name ${name} is given twice.`,
        'Give each token a name of its own; letter case does not tell names apart.',
      );
    }
    seen.add(key);
  }
}

/** In `access-tokens` a token stands under its name, or its scope as written: a name that is another line's scope. */
function refuseSharedKeys(lines: readonly ScopeLine[]): void {
  for (const { name } of lines) {
    if (name === undefined || !lines.some((line) => line.name === undefined && line.written === name))
      continue;
    throw new InputProblem(
      'scopes',
      `The name ${name} is also another line’s scope: one of the two tokens would be lost in access-tokens.`,
      'Give that scope a name as well, or choose another name.',
    );
  }
}

function refuseReservedName(line: string, name: string): void {
  const reason = reservedFor(name);
  if (reason === undefined) return;
  throw new InputProblem(
    'scopes',
    `Line ${quoted(line)}: the name ${name} is reserved, since ${reason}.`,
    'Choose another name, such as APP_TOKEN.',
  );
}
