import { describe, expect, test } from '@jest/globals';
import { reservedFor } from '../../src/inputs/reserved-names.ts';

/** Each name as the table has it; `*` stands for one or more characters. */
const words = (text: string): readonly string[] => text.trim().split(/\s+/u);

describe('every reserved name, in any letter case', () => {
  test.each([
    [
      'it is one of this step’s outputs',
      'accessToken accessTokens expiresOn federatedTokenFile federatedTokenExpiresOn',
    ],
    [
      '`export` and `login` set it',
      `AAD_LOGIN_METHOD ARM_CLIENT_ID ARM_ENVIRONMENT ARM_OIDC_TOKEN_FILE_PATH ARM_SUBSCRIPTION_ID ARM_TENANT_ID
       ARM_USE_OIDC AZCOPY_AUTO_LOGIN_TYPE AZURE_AUTHORITY_HOST AZURE_CLIENT_ID AZURE_CONFIG_DIR AZURE_EXTENSION_DIR
       AZURE_FEDERATED_TOKEN_FILE AZURE_SUBSCRIPTION_ID AZURE_TENANT AZURE_TENANT_ID`,
    ],
    [
      'it would make a tool act as an identity other than the exported one',
      `AZURE_CLIENT_SECRET AZURE_CLIENT_CERTIFICATE_* AZURE_USERNAME AZURE_PASSWORD AZURE_TOKEN_CREDENTIALS
       ARM_CLIENT_SECRET ARM_CLIENT_SECRET_FILE_PATH ARM_CLIENT_CERTIFICATE* ARM_OIDC_TOKEN ARM_CLIENT_ID_FILE_PATH
       ARM_USE_MSI ARM_USE_AKS_WORKLOAD_IDENTITY AZCOPY_OAUTH_TOKEN_INFO ACTIONS_ID_TOKEN_REQUEST_TOKEN AZURE_SECRET
       AZURE_AD_USER AZURE_X509_CERTIFICATE_PATH AZURE_PROFILE AZURE_CLOUD_NAME`,
    ],
    [
      'it changes how later steps run',
      `PATH PATHEXT HOME ENV BASH_ENV IFS SHELLOPTS BASHOPTS PS4 PROMPT_COMMAND NODE_* LD_* DYLD_* PYTHON* GIT_* PERL5*
       RUBYOPT RUBYLIB JAVA_TOOL_OPTIONS HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY *_CA_BUNDLE SSL_CERT_* TEMP TMP
       TMPDIR COMSPEC PSMODULEPATH`,
    ],
    [
      'it belongs to the job’s host or to this step',
      `GITHUB_* RUNNER_* ACTIONS_* INPUT_* STATE_* CI SYSTEM_* AGENT_* BUILD_* RELEASE_* TASK_* VSTS_* ENDPOINT_*
       SECRET_* SECUREFILE_* TF_BUILD IDENTITY_* IMDS_ENDPOINT MSI_* AZURE_POD_IDENTITY_AUTHORITY_HOST
       ENTRA_APP_TOKEN_*`,
    ],
  ])('because %s', (reason, names) => {
    for (const name of words(names)) {
      const written = name.replace('*', 'X');
      for (const variant of [written, written.toLowerCase(), written.toUpperCase()]) {
        expect([variant, reservedFor(variant)]).toEqual([variant, reason]);
      }
    }
  });
});

test.each([
  'APP_TOKEN',
  'GRAPH_TOKEN',
  'DATABRICKS_TOKEN',
  'AZURE_DEVOPS_EXT_PAT',
  'ACR_PASSWORD',
  'HOMEPAGE',
  'MY_PATH',
  'PATHS',
  'XGIT_X',
  'CIRCLE',
  'CA_BUNDLES',
  'MY_HTTPS_PROXY',
  'access_token',
  '_x',
])('%s is free', (name) => {
  expect(reservedFor(name)).toBeUndefined();
});
