import type { LegProblem } from '../exchange/failure.ts';

type Unreachable = Extract<LegProblem, { kind: 'unreachable' }>;

/**
 * Why no answer came at all: what each obstacle is and what mends it. `{authority}` is the host that was asked.
 * The first row that applies is told.
 */
export const obstacles: readonly {
  /** What the log shows of it, for the documentation. */
  readonly shows: string;
  /** `ownEndpoint`: the machine is one with an identity endpoint of its own, App Service or Container Apps. */
  readonly applies: (problem: Unreachable, ownEndpoint: boolean) => boolean;
  readonly cause: string;
  readonly remedy: string;
}[] = [
  {
    shows:
      'SELF_SIGNED_CERT_IN_CHAIN, UNABLE_TO_VERIFY_LEAF_SIGNATURE, CERT_HAS_EXPIRED, ERR_TLS_CERT_ALTNAME_INVALID',
    applies: ({ certificate }) => certificate,
    cause:
      'the certificate that {authority} shows is not one this machine trusts: a proxy that opens TLS, most often.',
    remedy:
      'set NODE_EXTRA_CA_CERTS to the path of that authority’s certificate (PEM), in the job’s `env:` or in the runner’s or agent’s own environment.',
  },
  {
    shows: 'no answer within … seconds',
    applies: ({ message }) => message.startsWith('no answer within'),
    cause: '{authority} took the connection and did not answer in time.',
    remedy:
      'run the job again; if it stays, see what holds answers of {authority} back, and raise timeout-seconds.',
  },
  {
    shows: 'ECONNREFUSED or ECONNRESET from the address in IDENTITY_ENDPOINT',
    applies: ({ leg }, ownEndpoint) => leg === 'identity' && ownEndpoint,
    cause:
      'the identity endpoint of this App Service, Function or Container App (IDENTITY_ENDPOINT) cannot be reached.',
    remedy:
      'see that IDENTITY_ENDPOINT and IDENTITY_HEADER are those of this very container, not set by the job or an image, and that the app has an identity.',
  },
  {
    shows: 'ETIMEDOUT, EHOSTUNREACH, ENETUNREACH or ECONNREFUSED from 169.254.169.254',
    applies: ({ leg }) => leg === 'identity',
    cause: 'this is not an Azure machine, or the job’s container hides 169.254.169.254.',
    remedy:
      'run the job on a virtual machine, scale set, Container App or AKS node that has the identity; give a container the host’s network.',
  },
  {
    shows: 'ENOTFOUND, ETIMEDOUT, ECONNREFUSED or ECONNRESET from Entra',
    applies: () => true,
    cause: '{authority} cannot be reached from here.',
    remedy:
      'allow this machine to reach https://{authority}, or configure the proxy that leads there (GitHub: HTTPS_PROXY; Azure Pipelines: the agent’s own proxy settings).',
  },
];
