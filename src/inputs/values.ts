import { type InputName, inputDefaults } from '../contract.ts';
import { isGuid } from '../exchange/claims.ts';
import { InputError, showValue } from './errors.ts';

const missing = 'It is required, and no value was given.';

/** @throws InputError if `value` is not a GUID */
export function guid(input: InputName, value: string, meaning: string): string {
  if (isGuid(value)) return value.toLowerCase();
  throw new InputError(
    input,
    value === '' ? missing : `${showValue(value)} is not a GUID.`,
    `Use ${meaning}, such as 11111111-2222-3333-4444-555555555555.`,
  );
}

/** Names under which Entra serves no particular tenant. An app's own token needs one. */
const sharedTenants = ['common', 'organizations', 'consumers'];
const domainPattern = /^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/iu;

/** @throws InputError if `value` does not name one tenant */
export function tenant(value: string): string {
  const expected =
    'Use the directory (tenant) ID, or one of its domain names such as contoso.onmicrosoft.com.';
  if (value === '') throw new InputError('tenant-id', missing, expected);
  if (sharedTenants.includes(value.toLowerCase())) {
    throw new InputError('tenant-id', `${showValue(value)} does not name one tenant.`, expected);
  }
  if (!isGuid(value) && !(value.length <= 253 && domainPattern.test(value))) {
    throw new InputError('tenant-id', `${showValue(value)} is neither a GUID nor a domain name.`, expected);
  }
  return value.toLowerCase();
}

const resourceIdPattern =
  /^\/subscriptions\/[0-9a-f-]{36}\/resourcegroups\/[^/\s]{1,90}\/providers\/microsoft\.managedidentity\/userassignedidentities\/[a-z0-9_-]{3,128}$/iu;

/** @throws InputError if `value` is not the resource ID of a user-assigned managed identity */
export function identityResourceId(value: string): string {
  if (value.length < 400 && resourceIdPattern.test(value)) return value;
  throw new InputError(
    'managed-identity-resource-id',
    `${showValue(value)} is not the resource ID of a user-assigned managed identity.`,
    'Use /subscriptions/<ID>/resourceGroups/<group>/providers/Microsoft.ManagedIdentity/userAssignedIdentities/<name>. To print it: az identity show --query id.',
  );
}

/**
 * A list input: values of a fixed set, separated by commas or line breaks; each is kept once.
 *
 * @throws InputError naming the first value that is not in the set
 */
export function listOf<Value extends string>(
  input: InputName,
  text: string,
  known: readonly Value[],
): readonly Value[] {
  const values = text
    .split(/[\n,]/u)
    .map((value) => value.trim())
    .filter((value) => value !== '')
    .map((value) => {
      const match = known.find((candidate) => candidate === value.toLowerCase());
      if (match !== undefined) return match;
      const separated = value
        .split(/\s+/u)
        .every((word) => known.some((name) => name === word.toLowerCase()));
      throw new InputError(
        input,
        separated
          ? `${showValue(value)} has spaces between its values.`
          : `${showValue(value)} is not one of its values.`,
        `Use one or more of ${known.join(', ')}, separated by commas or on lines of their own.`,
      );
    });
  return [...new Set(values)];
}

/** @throws InputError if `text` is neither true nor false; empty is false */
export function trueOrFalse(input: InputName, text: string): boolean {
  if (/^true$/iu.test(text)) return true;
  if (/^(false)?$/iu.test(text)) return false;
  throw new InputError(input, `${showValue(text)} is neither true nor false.`, 'Use true or false.');
}

/** @throws InputError if `text` is not a whole number from `least` to `most`; empty is the default */
export function seconds(input: 'timeout-seconds', text: string, least: number, most: number): number {
  const written = text === '' ? inputDefaults[input] : text;
  const value = Number(written);
  if (/^\d{1,9}$/u.test(written) && value >= least && value <= most) return value;
  throw new InputError(
    input,
    `${showValue(text)} is not a whole number from ${least} to ${most}.`,
    `Use a number in this range, or omit the input to use ${inputDefaults[input]} seconds.`,
  );
}
