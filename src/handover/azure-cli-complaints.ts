/**
 * What az says when it is not Entra that refuses: what each means here and what mends it. The first row that matches
 * counts. The exchange itself has succeeded a moment before, with the same app, tenant and assertion.
 *
 * Sources: az's messages, in requests' and urllib3's exceptions;
 * https://learn.microsoft.com/cli/azure/use-azure-cli-successfully-troubleshooting#work-behind-a-proxy.
 */
export const azureCliComplaints: readonly {
  readonly pattern: RegExp;
  readonly cause: string;
  readonly remedy: string;
}[] = [
  {
    pattern: /CERTIFICATE_VERIFY_FAILED|SSLCertVerificationError|SSLError|certificate verify failed/iu,
    cause: 'az does not trust the certificate it is shown, by a proxy that opens TLS most often.',
    remedy:
      'Set REQUESTS_CA_BUNDLE in the job’s environment to a file (PEM) with that authority’s certificate; az reads neither NODE_EXTRA_CA_CERTS nor the system’s own store.',
  },
  {
    pattern: /ProxyError|Proxy Authentication Required|Cannot connect to proxy|Tunnel connection failed/iu,
    cause: 'az cannot reach its proxy, or the proxy does not let it through.',
    remedy:
      'See that HTTPS_PROXY in the job’s environment names a proxy that lets this machine reach the sign-in address and Azure Resource Manager.',
  },
  {
    pattern:
      /NewConnectionError|ConnectTimeout|ConnectionError|Connection aborted|Max retries exceeded|Failed to (establish|resolve)|Name or service not known/iu,
    cause:
      'az cannot reach the sign-in address or Azure Resource Manager, which it asks for the subscriptions.',
    remedy:
      'Allow this machine to reach both, or set HTTPS_PROXY in the job’s environment to the proxy that leads there.',
  },
  {
    pattern: /unrecognized arguments/iu,
    cause: 'This az is too old: it cannot sign in with a federated token.',
    remedy: 'Install the Azure CLI 2.30 or newer: https://learn.microsoft.com/cli/azure/install-azure-cli',
  },
  {
    pattern: /No module named|ImportError|ModuleNotFoundError|bad interpreter/iu,
    cause: 'The Azure CLI of this machine is broken: its own parts are not found.',
    remedy: 'Install it anew: https://learn.microsoft.com/cli/azure/install-azure-cli',
  },
];

/** AADSTS numbers in az's words, without the letters. */
export function entraCodesIn(words: string): readonly string[] {
  return [...words.matchAll(/AADSTS(\d+)/gu)].map(([, code]) => code ?? '');
}
