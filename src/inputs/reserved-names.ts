import { conflictRows, type Tool, toolRows, variableNames } from '../azure/tools.ts';
import { camelCase, outputNames } from '../contract.ts';

/**
 * Names that no token may have, on either host and in any letter case. `*` stands for any text.
 * The variables of the last two rows change how the job's later steps run or where their tools read, write and send, or
 * belong to the host itself. Names that tools read tokens from stay free: `NPM_TOKEN`, `TF_TOKEN_…`, `ARM_ACCESS_TOKEN`.
 */
const reserved: readonly { readonly names: readonly string[]; readonly reason: string }[] = [
  { names: outputNames.map(camelCase), reason: 'it is one of this step’s outputs' },
  { names: variableNames(), reason: '`export` and `login` set it' },
  {
    names: (Object.keys(toolRows) as Tool[]).flatMap((tool) => conflictRows(tool).map(({ name }) => name)),
    reason: 'it would make a tool act as an identity other than the exported one',
  },
  {
    names: `
      PATH PATHEXT HOME ENV BASH_* IFS SHELLOPTS BASHOPTS PS4 PROMPT_COMMAND CDPATH GLOBIGNORE ZDOTDIR FPATH
      SHELL EDITOR VISUAL PAGER MANPAGER BROWSER LESSOPEN LESSCLOSE USER LOGNAME PWD OLDPWD UID EUID PPID
      LANG LC_* TZ TERM NLSPATH LOCPATH GCONV_PATH GLIBC_TUNABLES MALLOC_TRACE
      HOSTALIASES LOCALDOMAIN RES_OPTIONS RESOLV_HOST_CONF
      USERPROFILE APPDATA LOCALAPPDATA PROGRAMDATA SYSTEMROOT WINDIR OS XDG_*
      TEMP TMP TMPDIR COMSPEC PSMODULEPATH
      LD_* DYLD_* NODE_* NPM_CONFIG_* PYTHON* PIP_* GIT_* PERL5* RUBYOPT RUBYLIB GEM_HOME GEM_PATH BUNDLE_GEMFILE
      DOTNET_* CORECLR_* COR_* COMPLUS_* MSBUILD* NUGET_PACKAGES NUGET_PLUGIN_PATHS NUGET_NETCORE_PLUGIN_PATHS
      NUGET_NETFX_PLUGIN_PATHS PHPRC PHP_INI_SCAN_DIR COMPOSER_HOME
      JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS JDK_JAVAC_OPTIONS JAVA_HOME JAVA_OPTS CLASSPATH
      MAVEN_OPTS MAVEN_ARGS GRADLE_OPTS GRADLE_USER_HOME ANT_OPTS
      GOPROXY GONOPROXY GOPRIVATE GOINSECURE GOSUMDB GONOSUMDB GOFLAGS GOENV GOPATH GOROOT GOBIN GOTOOLCHAIN GODEBUG
      CARGO_HOME RUSTUP_HOME RUSTC RUSTC_WRAPPER RUSTFLAGS CC CXX CFLAGS CXXFLAGS LDFLAGS MAKEFLAGS MAKEFILES
      UV_INDEX UV_DEFAULT_INDEX UV_INDEX_URL UV_EXTRA_INDEX_URL UV_CONFIG_FILE YARN_NPM_REGISTRY_SERVER
      HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY *_CA_BUNDLE SSL_CERT_* OPENSSL_* SSLKEYLOGFILE CURL_HOME WGETRC NETRC
      SSH_AUTH_SOCK SSH_ASKPASS SUDO_ASKPASS GNUPGHOME
      DOCKER_HOST DOCKER_CONFIG DOCKER_CONTEXT DOCKER_CERT_PATH DOCKER_TLS_VERIFY BUILDKIT_HOST CONTAINER_HOST
      REGISTRY_AUTH_FILE KUBECONFIG HELM_CONFIG_HOME HELM_PLUGINS HELM_REGISTRY_CONFIG HELM_REPOSITORY_CONFIG
      TF_LOG* TF_CLI_* TF_DATA_DIR TF_WORKSPACE TF_PLUGIN_CACHE_DIR TF_REATTACH_PROVIDERS
      ARM_METADATA_HOST ARM_METADATA_HOSTNAME ARM_MSI_ENDPOINT ARM_OIDC_REQUEST_URL PULUMI_HOME PULUMI_BACKEND_URL
      AZURE_LOG_LEVEL AZURE_CORE_* AZURE_DEFAULTS_* AZURE_REGIONAL_AUTHORITY_NAME MSAL_FORCE_REGION REGION_NAME
      AZCOPY_LOG_LOCATION AZCOPY_JOB_PLAN_LOCATION DEBUG
    `
      .trim()
      .split(/\s+/u),
    reason: 'it changes how later steps run, or where their tools read, write or send data',
  },
  {
    names: `
      GITHUB_* RUNNER_* ACTIONS_* INPUT_* STATE_* CI
      SYSTEM_* AGENT_* BUILD_* RELEASE_* TASK_* VSTS_* ENDPOINT_* SECRET_* SECUREFILE_* TF_BUILD
      IDENTITY_* IMDS_ENDPOINT MSI_* AZURE_POD_IDENTITY_AUTHORITY_HOST ENTRA_APP_TOKEN_*
    `
      .trim()
      .split(/\s+/u),
    reason: 'it belongs to the job’s host or to this step',
  },
];

const rows = reserved.map(({ names, reason }) => ({ matches: names.map(namePattern), reason }));

/** Why `name` is reserved; nothing if it is free. */
export function reservedFor(name: string): string | undefined {
  return rows.find(({ matches }) => matches.some((pattern) => pattern.test(name)))?.reason;
}

function namePattern(name: string): RegExp {
  return new RegExp(`^${name.replaceAll('*', '.*')}$`, 'iu');
}
