/**
 * What az says if its sign-in fails and Entra did not reject it: what each text means and how to fix it. The
 * first row that matches counts. The exchange itself succeeded a moment before, with the same app, tenant and assertion.
 *
 * Sources: az's messages, in the exceptions of requests and urllib3;
 * https://learn.microsoft.com/cli/azure/use-azure-cli-successfully-troubleshooting#work-behind-a-proxy.
 */
export const azureCliErrors: readonly {
  readonly pattern: RegExp;
  readonly cause: string;
  readonly fix: string;
}[] = [
  {
    pattern: /CERTIFICATE_VERIFY_FAILED|SSLCertVerificationError|SSLError|certificate verify failed/iu,
    cause: 'az does not trust the server’s certificate. Usually a proxy that inspects TLS shows its own.',
    fix: 'Set REQUESTS_CA_BUNDLE in the job’s environment to a PEM file with that certificate authority. az reads neither NODE_EXTRA_CA_CERTS nor the system’s certificate store.',
  },
  {
    pattern: /ProxyError|Proxy Authentication Required|Cannot connect to proxy|Tunnel connection failed/iu,
    cause: 'az cannot reach its proxy, or the proxy refuses the connection.',
    fix: 'Set HTTPS_PROXY in the job’s environment to a proxy through which this machine can reach the sign-in address and Azure Resource Manager.',
  },
  {
    pattern:
      /NewConnectionError|ConnectTimeout|ConnectionError|Connection aborted|Max retries exceeded|Failed to (establish|resolve)|Name or service not known/iu,
    cause:
      'az cannot reach the sign-in address, or Azure Resource Manager, where it looks up the subscriptions.',
    fix: 'Allow this machine to reach both, or set HTTPS_PROXY in the job’s environment to a proxy that can.',
  },
  {
    pattern: /unrecognized arguments/iu,
    cause: 'This version of az cannot sign in with a federated token.',
    fix: 'Install Azure CLI 2.30 or later: https://learn.microsoft.com/cli/azure/install-azure-cli',
  },
  {
    pattern: /No module named|ImportError|ModuleNotFoundError|bad interpreter/iu,
    cause: 'The Azure CLI on this machine is broken: parts of it are missing.',
    fix: 'Install it again: https://learn.microsoft.com/cli/azure/install-azure-cli',
  },
];

/** AADSTS numbers in az's words, without the letters. */
export function entraCodesIn(words: string): readonly string[] {
  return [...words.matchAll(/AADSTS(\d{1,12})/gu)].map(([, code]) => code ?? '');
}
