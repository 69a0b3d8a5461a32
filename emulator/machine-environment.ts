import { APP_SERVICE_PATH } from './identity-endpoint.ts';
import type { MachineKind } from './world.ts';

/** The variables by which each kind of machine shows itself to SDKs. */
type Variables = (url: string, secret: string) => Record<string, string>;

const IMDS_PATH = '/metadata/identity/oauth2/token';

/**
 * Sources: the SDKs' own detection (azure-sdk-for-go `managed_identity_client.go`, msal-node `ManagedIdentityClient`)
 * and the pages named in `identity-endpoint.ts`. App Service still sets the two names of 2017 beside the new ones.
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
 * What a process on such a machine finds in its environment. `AZURE_POD_IDENTITY_AUTHORITY_HOST` is no part of a
 * real machine: it leads to the embedded IMDS, so that nothing can ever reach a real one.
 */
export function machineEnvironment(
  kind: MachineKind,
  imdsUrl: string,
  endpointUrl: string,
  secret: string,
): Record<string, string> {
  return { AZURE_POD_IDENTITY_AUTHORITY_HOST: imdsUrl, ...variables[kind](endpointUrl, secret) };
}
