import type { InputName } from '../contract.ts';
import { InputProblem, quoted } from './problem.ts';

export const guidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/iu;

/** @throws InputProblem when `value` is no GUID */
export function guid(input: InputName, value: string, meaning: string): string {
  if (guidPattern.test(value)) return value.toLowerCase();
  throw new InputProblem(
    input,
    value === '' ? 'It is required and was not given.' : `${quoted(value)} is not a GUID.`,
    `Give ${meaning}, such as 11111111-2222-3333-4444-555555555555.`,
  );
}

/** Names under which Entra serves no tenant in particular; an app's own token needs one. */
const tenantless = ['common', 'organizations', 'consumers'];
const domainPattern = /^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/iu;

/** @throws InputProblem when `value` names no single tenant */
export function tenant(value: string): string {
  const expected =
    'Give the directory (tenant) ID, or one of the tenant’s domain names such as contoso.onmicrosoft.com.';
  if (value === '') throw new InputProblem('tenant-id', 'It is required and was not given.', expected);
  if (tenantless.includes(value.toLowerCase())) {
    throw new InputProblem('tenant-id', `${quoted(value)} names no tenant in particular.`, expected);
  }
  if (!guidPattern.test(value) && !domainPattern.test(value)) {
    throw new InputProblem('tenant-id', `${quoted(value)} is neither a GUID nor a domain name.`, expected);
  }
  return value.toLowerCase();
}

const resourceIdPattern =
  /^\/subscriptions\/[0-9a-f-]{36}\/resourcegroups\/[^/\s]{1,90}\/providers\/microsoft\.managedidentity\/userassignedidentities\/[a-z0-9_-]{3,128}$/iu;

/** @throws InputProblem when `value` is not the resource ID of a user-assigned managed identity */
export function identityResourceId(value: string): string {
  if (resourceIdPattern.test(value)) return value;
  throw new InputProblem(
    'managed-identity-resource-id',
    `${quoted(value)} is not the resource ID of a user-assigned managed identity.`,
    'Give /subscriptions/<ID>/resourceGroups/<group>/providers/Microsoft.ManagedIdentity/userAssignedIdentities/<name>; az identity show --query id prints it.',
  );
}
