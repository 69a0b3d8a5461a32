import type { AssertionFileProblem, TokenFileProblem } from '../exchange/errors.ts';

/**
 * What is wrong with the pod's token file, and how to fix it. `{found}` is what the file has, or the system's words, and
 * `{audience}` what it needs. https://learn.microsoft.com/azure/aks/workload-identity-overview
 */
export const tokenFileFailures: Readonly<
  Record<TokenFileProblem, { readonly cause: string; readonly fix: string }>
> = {
  missing: {
    cause: 'There is no such file in this job.',
    fix: 'Give the pod the label azure.workload.identity/use: "true" and the service account, and create the pod again, so that AKS projects the token. In a container job, mount the folder of the file into the job’s container at the same path.',
  },
  unreadable: {
    cause: 'The file cannot be read: {found}.',
    fix: 'Make sure that the user of this step can read it. Set fsGroup in the pod’s securityContext to a group of that user.',
  },
  'not-a-file': {
    cause: 'It is a directory, a pipe or a device, not a regular file.',
    fix: 'Set the input {input:federated-token-file} to the projected token, on AKS /var/run/secrets/azure/tokens/azure-identity-token.',
  },
  'too-large': {
    cause: 'The file has more than 64 KB. A service account token has about 2 KB.',
    fix: 'Set the input {input:federated-token-file} to the projected token, on AKS /var/run/secrets/azure/tokens/azure-identity-token.',
  },
  empty: {
    cause: 'The file is empty.',
    fix: 'Set the input {input:federated-token-file} to the file that the kubelet writes, not to a copy of it.',
  },
  'not-a-token': {
    cause: 'The file does not contain a service account token (a JSON web token with an expiry).',
    fix: 'Set the input {input:federated-token-file} to the projected token, on AKS /var/run/secrets/azure/tokens/azure-identity-token.',
  },
  expired: {
    cause:
      'The token expired at {found}. The kubelet replaces the file before that, so this is an old copy, or the clock is wrong.',
    fix: 'Set the input {input:federated-token-file} to the projected file itself, and check the clock of the node.',
  },
  'issued-by-entra': {
    cause:
      'The token is from Entra itself ({found}). Entra does not allow chained federation (AADSTS700231).',
    fix: 'Set the input {input:federated-token-file} to the pod’s own service account token. To use a managed identity of the machine, set {input:managed-identity-client-id} instead.',
  },
  'wrong-audience': {
    cause: 'The token is for the audience {found}, and Entra needs {audience}.',
    fix: 'Project a token with the audience {audience}, or set {input:audience} to the one in the app’s federated identity credential. The token at /var/run/secrets/kubernetes.io/serviceaccount/token is for the cluster itself.',
  },
};

/** What is wrong with the file that an earlier step wrote. */
export const assertionFileCauses: Readonly<Record<AssertionFileProblem, string>> = {
  missing: 'The file does not exist any more. The clean-up removes it when the job ends.',
  unreadable: 'The file cannot be read: {found}.',
  'not-a-file': 'It is not a regular file any more.',
  'too-large': 'The file does not contain a token any more.',
  empty: 'The file is empty.',
  'not-a-token': 'The file does not contain a token any more.',
  expired: 'The token expired at {found}. It lives {lifetime}.',
};
