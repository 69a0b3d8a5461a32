import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { reservedFor } from '../../src/inputs/reserved-names.ts';

/** Each name as the table has it; `*` stands for one or more characters. */
const words = (text: string): readonly string[] => text.trim().split(/\s+/u);

const reserved: readonly (readonly [reason: string, names: string])[] = [
  [
    'it is one of this step’s outputs',
    'accessToken accessTokens expiresOn federatedTokenFile federatedTokenExpiresOn',
  ],
  [
    '`export` and `login` set it',
    `AAD_LOGIN_METHOD ARM_CLIENT_ID ARM_ENVIRONMENT ARM_OIDC_TOKEN_FILE_PATH ARM_SUBSCRIPTION_ID ARM_TENANT_ID
       ARM_USE_OIDC AZCOPY_AUTO_LOGIN_TYPE AZURE_AUTHORITY_HOST AZURE_CLIENT_ID AZURE_CONFIG_DIR AZURE_EXTENSION_DIR
       AZURE_FEDERATED_TOKEN_FILE AZURE_SUBSCRIPTION_ID AZURE_TENANT AZURE_TENANT_ID IDENTITY_ENDPOINT IDENTITY_HEADER
       NO_PROXY`,
  ],
  [
    'it would make a tool act as an identity other than the exported one',
    `AZURE_CLIENT_SECRET AZURE_CLIENT_CERTIFICATE_* AZURE_USERNAME AZURE_PASSWORD AZURE_TOKEN_CREDENTIALS
       ARM_CLIENT_SECRET ARM_CLIENT_SECRET_FILE_PATH ARM_CLIENT_CERTIFICATE* ARM_OIDC_TOKEN ARM_CLIENT_ID_FILE_PATH
       ARM_USE_MSI ARM_USE_AKS_WORKLOAD_IDENTITY AZCOPY_OAUTH_TOKEN_INFO ACTIONS_ID_TOKEN_REQUEST_TOKEN AZURE_SECRET
       AZURE_AD_USER AZURE_X509_CERTIFICATE_PATH AZURE_PROFILE AZURE_CLOUD_NAME IMDS_ENDPOINT MSI_ENDPOINT MSI_SECRET
       IDENTITY_SERVER_THUMBPRINT`,
  ],
  [
    'it changes how later steps run, or where their tools read, write or send data',
    // Shells, users and folders.
    `PATH PATHEXT HOME ENV BASH_* IFS SHELLOPTS BASHOPTS PS4 PROMPT_COMMAND CDPATH GLOBIGNORE ZDOTDIR FPATH SHELL EDITOR
       VISUAL PAGER MANPAGER BROWSER LESSOPEN LESSCLOSE USER LOGNAME PWD OLDPWD UID EUID PPID LANG LC_* TZ TERM NLSPATH
       LOCPATH GCONV_PATH GLIBC_TUNABLES MALLOC_TRACE HOSTALIASES LOCALDOMAIN RES_OPTIONS RESOLV_HOST_CONF USERPROFILE
       APPDATA LOCALAPPDATA PROGRAMDATA SYSTEMROOT WINDIR OS XDG_* TEMP TMP TMPDIR COMSPEC PSMODULEPATH ` +
      // Loaders, languages, package managers and compilers.
      `LD_* DYLD_* NODE_* NPM_CONFIG_* PYTHON* PIP_* GIT_* PERL5* RUBYOPT RUBYLIB GEM_HOME GEM_PATH BUNDLE_GEMFILE DOTNET_*
         CORECLR_* COR_* COMPLUS_* MSBUILD* NUGET_PACKAGES NUGET_PLUGIN_PATHS NUGET_NETCORE_PLUGIN_PATHS
         NUGET_NETFX_PLUGIN_PATHS PHPRC PHP_INI_SCAN_DIR COMPOSER_HOME JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS
         JDK_JAVAC_OPTIONS JAVA_HOME JAVA_OPTS CLASSPATH MAVEN_OPTS MAVEN_ARGS GRADLE_OPTS GRADLE_USER_HOME ANT_OPTS
         GOPROXY GONOPROXY GOPRIVATE GOINSECURE GOSUMDB GONOSUMDB GOFLAGS GOENV GOPATH GOROOT GOBIN GOTOOLCHAIN GODEBUG
         CARGO_HOME RUSTUP_HOME RUSTC RUSTC_WRAPPER RUSTFLAGS CC CXX CFLAGS CXXFLAGS LDFLAGS MAKEFLAGS MAKEFILES UV_INDEX
         UV_DEFAULT_INDEX UV_INDEX_URL UV_EXTRA_INDEX_URL UV_CONFIG_FILE YARN_NPM_REGISTRY_SERVER ` +
      // Networks, and tools that get tokens.
      `HTTP_PROXY HTTPS_PROXY ALL_PROXY *_CA_BUNDLE SSL_CERT_* OPENSSL_* SSLKEYLOGFILE CURL_HOME WGETRC NETRC
         SSH_AUTH_SOCK SSH_ASKPASS SUDO_ASKPASS GNUPGHOME DOCKER_HOST DOCKER_CONFIG DOCKER_CONTEXT DOCKER_CERT_PATH
         DOCKER_TLS_VERIFY BUILDKIT_HOST CONTAINER_HOST REGISTRY_AUTH_FILE KUBECONFIG HELM_CONFIG_HOME HELM_PLUGINS
         HELM_REGISTRY_CONFIG HELM_REPOSITORY_CONFIG TF_LOG* TF_CLI_* TF_DATA_DIR TF_WORKSPACE TF_PLUGIN_CACHE_DIR
         TF_REATTACH_PROVIDERS ARM_METADATA_HOST ARM_METADATA_HOSTNAME ARM_MSI_ENDPOINT ARM_OIDC_REQUEST_URL PULUMI_HOME
         PULUMI_BACKEND_URL AZURE_LOG_LEVEL AZURE_CORE_* AZURE_DEFAULTS_* AZURE_REGIONAL_AUTHORITY_NAME MSAL_FORCE_REGION
         REGION_NAME AZCOPY_LOG_LOCATION AZCOPY_JOB_PLAN_LOCATION DEBUG`,
  ],
  [
    'it belongs to the job’s host or to this step',
    `GITHUB_* RUNNER_* ACTIONS_* INPUT_* STATE_* CI SYSTEM_* AGENT_* BUILD_* RELEASE_* TASK_* VSTS_* ENDPOINT_*
       SECRET_* SECUREFILE_* TF_BUILD IDENTITY_* MSI_* AZURE_POD_IDENTITY_AUTHORITY_HOST
       ENTRA_APP_TOKEN_*`,
  ],
];

describe('every reserved name, in any letter case', () => {
  test.each(reserved)('because %s', (reason, names) => {
    for (const name of words(names)) {
      const written = name.replace('*', 'X');
      for (const variant of [written, written.toLowerCase(), written.toUpperCase()]) {
        expect([variant, reservedFor(variant)]).toEqual([variant, reason]);
      }
    }
  });
});

test('the manifest of the task lets the agent set none of the last two rows, and everything else', () => {
  const manifest = JSON.parse(readFileSync('ado-task/EntraAppToken/task.json', 'utf8'));
  const [pattern = ''] = manifest.restrictions.settableVariables.allowed;
  const listed = /^!\{(.+)\}$/u.exec(pattern)?.[1]?.split(',') ?? [];
  // The agent writes its own names with a dot.
  const names = listed.map((name) => name.replace('[._]', '_'));
  expect([...names].sort()).toEqual(
    reserved
      .slice(-2)
      .flatMap(([, row]) => words(row))
      // These stand in a row above, because `export: managed-identity` sets or refuses them. NO_PROXY is allowed again by
      // an entry of its own.
      .concat(['IMDS_ENDPOINT', 'NO_PROXY'])
      .sort(),
  );
});

test('names that only begin or end like one are free', () => {
  for (const name of [
    'PATHX',
    'XPATH',
    'DOTNETX',
    'TF_VAR_X',
    'JAVA_X',
    'GOX',
    'ARM_X',
    'AZURE_X',
    'DOCKER_X',
    'HELM_X',
  ])
    expect([name, reservedFor(name)]).toEqual([name, undefined]);
});

test.each([
  // Names from which tools read a token or password.
  'NPM_TOKEN',
  'NUGET_API_KEY',
  'CARGO_REGISTRY_TOKEN',
  'DOCKER_PASSWORD',
  'DOCKER_AUTH_CONFIG',
  'HELM_KUBETOKEN',
  'KUBE_TOKEN',
  'TF_TOKEN_app_terraform_io',
  'TF_VAR_token',
  'ARM_ACCESS_TOKEN',
  'ARM_ACCESS_KEY',
  'AZURE_ACCESS_TOKEN',
  'PULUMI_ACCESS_TOKEN',
  'FAB_TOKEN',
  'FAB_TOKEN_ONELAKE',
  'UV_INDEX_FEED_PASSWORD',
  'YARN_NPM_AUTH_TOKEN',
  'COMPOSER_AUTH',
  'BUNDLE_FEED__EXAMPLE',
  'PGPASSWORD',
  'MYSQL_PWD',
  'REDISCLI_AUTH',
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
