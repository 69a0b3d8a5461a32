import { clouds } from '../../emulator/clouds.ts';
import { clientIds, identities, tenantIds } from '../../emulator/default-world.ts';
import type { Emulator } from '../../emulator/emulator.ts';
import { ask, type RawAnswer } from './raw-request.ts';

const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
export const EXCHANGE_SCOPE = 'api://AzureADTokenExchange/.default';
export const ARM_SCOPE = 'https://management.azure.com/.default';

/** Sends a valid request to IMDS, with these changes. `null` removes a parameter. */
export function askImds(
  azure: Emulator,
  query: Readonly<Record<string, string | null>> = {},
  headers: Readonly<Record<string, string>> = { Metadata: 'true' },
): Promise<RawAnswer> {
  const search = new URLSearchParams();
  const parameters = {
    'api-version': '2018-02-01',
    resource: clouds[azure.world.cloud].exchangeUri,
    ...query,
  };
  for (const [name, value] of Object.entries(parameters)) if (value !== null) search.set(name, value);
  return ask(`${azure.imds.url}/metadata/identity/oauth2/token?${search}`, { headers });
}

/** The assertion of one of the machine's identities. Default: `runner`. */
export async function assertionOf(
  azure: Emulator,
  clientId: string = identities.runner.clientId,
): Promise<string> {
  const answer = await askImds(azure, { client_id: clientId });
  return String(answer.json()['access_token']);
}

interface TokenRequest {
  readonly tenant?: string;
  /** Changes to the form of a valid request. `null` removes a parameter. */
  readonly form?: Readonly<Record<string, string | null>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly assertion?: string;
}

/** Sends a valid token request of `deployer` to Entra, with these changes. */
export async function askEntra(
  azure: Emulator,
  { tenant = tenantIds.contoso, form = {}, headers = {}, assertion }: TokenRequest = {},
): Promise<RawAnswer> {
  const parameters = {
    grant_type: 'client_credentials',
    client_id: clientIds.deployer,
    scope: ARM_SCOPE,
    client_assertion_type: JWT_BEARER,
    client_assertion: assertion ?? (await assertionOf(azure)),
    ...form,
  };
  const body = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== null) body.set(name, value);
  return ask(`${azure.entra.url}/${tenant}/oauth2/v2.0/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: body.toString(),
    ca: azure.ca.pem,
  });
}

/** The blueprint's token for one agent identity. */
export async function askBlueprint(
  azure: Emulator,
  blueprint: string,
  fmiPath: string,
  { form, ...request }: TokenRequest = {},
): Promise<string> {
  const answer = await askEntra(azure, {
    ...request,
    form: { scope: EXCHANGE_SCOPE, fmi_path: fmiPath, ...form, client_id: blueprint },
  });
  return String(answer.json()['access_token']);
}

/** The AADSTS number of an error response; 0 if it is none. */
export function codeOf(answer: RawAnswer): number {
  return (answer.json()['error_codes'] as number[] | undefined)?.[0] ?? 0;
}
