import type { RequestFailure } from '../exchange/errors.ts';

/**
 * Why no answer came from the server: what each failure is and how to fix it. Templates as in `entra-codes.ts`;
 * `{proxy}` is the proxy's host, `{proxySetting}` the setting that names it. The first row that applies counts.
 */
export const connectionFailures: readonly {
  /** What the log shows, for the documentation. */
  readonly shows: string;
  /** `ownEndpoint`: the machine has an identity endpoint of its own, as App Service and Container Apps do. */
  readonly applies: (failure: RequestFailure, ownEndpoint: boolean) => boolean;
  readonly cause: string;
  readonly fix: string;
}[] = [
  {
    shows: 'a certificate error of the proxy itself',
    applies: (failure) =>
      failure.kind === 'unreachable' && failure.proxy !== undefined && failure.certificate !== undefined,
    cause:
      'The certificate that the proxy {proxy} itself shows cannot be verified. The proxy is set in {proxySetting}.',
    fix: 'Check this machine’s clock ({clockCommand}) and the proxy’s name in {proxySetting}. If the proxy has a certificate authority of its own, set NODE_EXTRA_CA_CERTS to the path of that authority’s certificate (PEM). On Azure Pipelines, the agent’s own setting works too: config --sslcacert.',
  },
  {
    shows: 'CERT_HAS_EXPIRED, CERT_NOT_YET_VALID',
    applies: hasCertificateProblem('expired', 'not-yet-valid'),
    cause:
      'The certificate that {authority} shows is not valid at the time of this machine’s clock. Either the clock is wrong, or the certificate has expired.',
    fix: 'Check this machine’s clock first ({clockCommand}). If it is right, the certificate must be renewed: usually it is the certificate of a proxy that inspects TLS.',
  },
  {
    shows: 'ERR_TLS_CERT_ALTNAME_INVALID',
    applies: hasCertificateProblem('wrong-host'),
    cause: 'The certificate that {authority} shows is for another host.',
    fix: 'Check the address {authority}, and find out which proxy or DNS entry sends its traffic elsewhere.',
  },
  {
    shows: 'SELF_SIGNED_CERT_IN_CHAIN, UNABLE_TO_VERIFY_LEAF_SIGNATURE, UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    applies: hasCertificateProblem('untrusted'),
    cause:
      'This machine does not trust the certificate that {authority} shows. Usually a proxy that inspects TLS shows its own.',
    fix: 'Set NODE_EXTRA_CA_CERTS to the path of that certificate authority’s certificate (PEM), in the job’s `env:` or in the environment of the runner or agent. On Azure Pipelines, the agent’s own setting works too: config --sslcacert.',
  },
  {
    shows: 'HTTP 407 from the proxy',
    applies: (failure) => failure.kind === 'proxy-answer' && failure.status === 407,
    cause: 'The proxy {proxy} rejected the user name or password (HTTP 407).',
    fix: 'Correct them in {proxySetting}. GitHub: HTTPS_PROXY=http://user:password@host:port, with special characters percent-encoded. Azure Pipelines: the agent’s config --proxyusername and --proxypassword.',
  },
  {
    shows: 'HTTP 200 or another success from the proxy',
    applies: (failure) => failure.kind === 'proxy-answer' && failure.status < 300,
    cause:
      'The proxy {proxy} answered the request for a tunnel to {authority} itself, not with an empty HTTP 200 as a proxy does.',
    fix: 'Make sure that {proxySetting} names an HTTP proxy, and find out what answers at {proxy}.',
  },
  {
    shows: 'another HTTP status from the proxy',
    applies: (failure) => failure.kind === 'proxy-answer',
    cause:
      'The proxy {proxy} refused to connect to {authority}. The answer is the proxy’s, not {authority}’s.',
    fix: 'Allow {authority} on the proxy, or correct {proxySetting}.',
  },
  {
    shows: 'ECONNREFUSED, ENOTFOUND or ETIMEDOUT from the proxy',
    applies: (failure) => failure.kind === 'unreachable' && failure.proxy !== undefined,
    cause: 'This machine cannot connect to the proxy {proxy}, which is set in {proxySetting}.',
    fix: 'Correct {proxySetting}, or allow this machine to reach the proxy.',
  },
  {
    shows: 'no answer within … through the proxy',
    applies: (failure) => failure.kind === 'timed-out' && failure.proxy !== undefined,
    cause: 'No answer came through the proxy {proxy}, which is set in {proxySetting}.',
    fix: 'Find out whether the proxy or {authority} delays the response, or raise {input:timeout-seconds}.',
  },
  {
    shows: 'no answer within …',
    applies: ({ kind }) => kind === 'timed-out',
    cause: '{authority} accepted the connection and did not answer in time.',
    fix: 'Run the job again. If it still fails, find out what delays responses from {authority}, or raise {input:timeout-seconds}.',
  },
  {
    shows: 'HPE_INVALID_CONSTANT, HPE_HEADER_OVERFLOW',
    applies: (failure) => failure.kind === 'unreachable' && failure.code.startsWith('HPE_'),
    cause: 'The response from {authority} is not HTTP.',
    fix: 'Find out which proxy or service answers at {authority}.',
  },
  {
    shows: 'ECONNREFUSED or ECONNRESET from the address in IDENTITY_ENDPOINT',
    applies: ({ leg }, ownEndpoint) => leg === 'identity' && ownEndpoint,
    cause:
      'This machine cannot connect to the identity endpoint of this App Service, Function or Container App (IDENTITY_ENDPOINT).',
    fix: 'Make sure that IDENTITY_ENDPOINT and IDENTITY_HEADER are this container’s own, not set by the job or an image, and that the app has an identity.',
  },
  {
    shows: 'ECONNRESET or EPIPE from 169.254.169.254',
    applies: (failure) =>
      failure.leg === 'identity' &&
      failure.kind === 'unreachable' &&
      /^(ECONNRESET|EPIPE|ECONNABORTED)$/u.test(failure.code),
    cause: 'The connection to the machine’s identity endpoint broke.',
    fix: 'Run the job again. If it still fails, restart the machine or check what filters traffic to {authority}.',
  },
  {
    shows: 'ETIMEDOUT, EHOSTUNREACH, ENETUNREACH or ECONNREFUSED from 169.254.169.254',
    applies: ({ leg }) => leg === 'identity',
    cause: 'This machine is not in Azure, or the job’s container cannot reach 169.254.169.254.',
    fix: 'Run the job on a virtual machine, scale set, Container App or AKS node that has the identity. Give a job container the host’s network (--network host).',
  },
  {
    shows: 'ENOTFOUND from a container registry',
    applies: (failure) =>
      failure.leg === 'registry' && failure.kind === 'unreachable' && failure.code === 'ENOTFOUND',
    cause:
      'This machine’s DNS does not know {registry}. Either no registry has this name, or its private endpoint is not in the DNS that this machine uses.',
    fix: 'Check the login server (az acr show --name {registryName} --query loginServer). For a private endpoint, link its DNS zone to this machine’s network.',
  },
  {
    shows: 'EPROTO or ERR_SSL_… from Entra or a container registry',
    applies: (failure) =>
      failure.kind === 'unreachable' && /^(EPROTO$|ERR_SSL_|ERR_TLS_)/u.test(failure.code),
    cause: 'This machine connected to {authority}, but the TLS handshake failed.',
    fix: 'Find out which proxy, firewall or service answers as {authority} and ends the handshake or does not speak TLS 1.2 or later.',
  },
  {
    shows: 'ECONNRESET, EPIPE or ECONNABORTED from Entra or a container registry',
    applies: (failure) =>
      failure.kind === 'unreachable' && /^(ECONNRESET|EPIPE|ECONNABORTED)$/u.test(failure.code),
    cause: 'The connection to {authority} broke before a whole response arrived.',
    fix: 'Run the job again. If it still fails, find out which firewall or proxy closes connections to https://{authority} or damages its responses.',
  },
  {
    shows: 'ENOTFOUND, ETIMEDOUT or ECONNREFUSED from Entra or a container registry',
    applies: () => true,
    cause: 'This machine cannot connect to {authority}.',
    fix: 'Allow this machine to reach https://{authority}, or configure a proxy that can (GitHub: HTTPS_PROXY; Azure Pipelines: the agent’s own proxy settings).',
  },
];

function hasCertificateProblem(...problems: readonly string[]) {
  return (failure: RequestFailure): boolean =>
    failure.kind === 'unreachable' &&
    failure.certificate !== undefined &&
    problems.includes(failure.certificate);
}
