import { APP_SERVICE_PATH } from './identity-endpoint.ts';
import type { MachineKind } from './world.ts';

/** The environment variables by which SDKs detect a kind of machine. */
type Variables = (url: string, secret: string) => Record<string, string>;

const IMDS_PATH = '/metadata/identity/oauth2/token';

/**
 * Sources: the SDKs' own detection (azure-sdk-for-go `managed_identity_client.go`, msal-node `ManagedIdentityClient`)
 * and the pages named in `identity-endpoint.ts`. App Service also sets the two names of 2017.
 */
const variables: Readonly<Record<MachineKind, Variables>> = {
  'virtual-machine': () => ({}),
  'app-service': (url, secret) => ({
    IDENTITY_ENDPOINT: `${url}${APP_SERVICE_PATH}`,
    IDENTITY_HEADER: secret,
    MSI_ENDPOINT: `${url}${APP_SERVICE_PATH}`,
    MSI_SECRET: secret,
  }),
  'container-apps': (url, secret) => ({
    IDENTITY_ENDPOINT: `${url}${APP_SERVICE_PATH}`,
    IDENTITY_HEADER: secret,
  }),
  'azure-arc': (url) => ({ IDENTITY_ENDPOINT: `${url}${IMDS_PATH}`, IMDS_ENDPOINT: url }),
  'cloud-shell': (url) => ({ MSI_ENDPOINT: `${url}/oauth2/token` }),
  'service-fabric': (url, secret) => ({
    IDENTITY_ENDPOINT: `${url}${IMDS_PATH}`,
    IDENTITY_HEADER: secret,
    IDENTITY_SERVER_THUMBPRINT: '0123456789ABCDEF0123456789ABCDEF01234567',
  }),
  'azure-ml': (url, secret) => ({ MSI_ENDPOINT: `${url}/MSI/token`, MSI_SECRET: secret }),
  'aci-windows': (url, secret) => ({
    IDENTITY_ENDPOINT: `${url}${IMDS_PATH}?api-version=1.0`,
    IDENTITY_HEADER: secret,
  }),
};

/**
 * The environment of a process on such a machine. A real machine does not set `AZURE_POD_IDENTITY_AUTHORITY_HOST`. It
 * points to the embedded IMDS, so that no client can reach a real one.
 */
export function machineEnvironment(
  kind: MachineKind,
  imdsUrl: string,
  endpointUrl: string,
  secret: string,
): Record<string, string> {
  return { AZURE_POD_IDENTITY_AUTHORITY_HOST: imdsUrl, ...variables[kind](endpointUrl, secret) };
}
