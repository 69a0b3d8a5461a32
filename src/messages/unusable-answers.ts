import type { UnusableAnswer } from '../exchange/errors.ts';

/** Answers that are not error responses and still cannot be used: what each is and how to fix it. */
export const unusableAnswers: Readonly<
  Record<UnusableAnswer, { readonly cause: string; readonly fix: string }>
> = {
  html: {
    cause: '{authority} returned a web page instead of a token.',
    fix: 'Find out which proxy, firewall or captive portal answers instead of {authority}.',
  },
  'not-json': {
    cause: '{authority} returned an answer that is not valid JSON. It may be cut off.',
    fix: 'Run the job again. If it still fails, find out which proxy or firewall changes responses from {authority}.',
  },
  'too-large': {
    cause: '{authority} returned more than 1 MB. A token response is a few kilobytes.',
    fix: 'Find out which proxy or service answers instead of {authority}.',
  },
  redirect: {
    cause: '{authority} redirected to another address. The step never follows a redirect with a token.',
    fix: 'Check the address {authority}, and find out which proxy redirects it.',
  },
  status: {
    cause: '{authority} returned a success status that a token response never has.',
    fix: 'Find out which proxy or service answers instead of {authority}.',
  },
  'system-assigned': {
    cause:
      'Apps can trust only user-assigned identities. This machine returned its system-assigned identity.',
    fix: 'Create a user-assigned identity (az identity create), assign it to the machine (az vm identity assign), add it to the app as a federated identity credential, and select it with {input:managed-identity-client-id}.',
  },
  encoded: {
    cause: '{authority} returned an encoded answer ({found}), although the step asked for a plain one.',
    fix: 'Find out which proxy or firewall encodes or changes responses from {authority}.',
  },
  'no-token': {
    cause: '{authority} returned an answer without a token.',
    fix: 'Find out which proxy or firewall changes responses from {authority}.',
  },
  'token-size': {
    cause:
      '{authority} returned a token of {found}. The step accepts 16 to 16,384 characters; tokens have a few thousand.',
    fix: 'Find out which proxy or service answers instead of {authority}.',
  },
  'not-bearer': {
    cause: '{authority} returned a token of type {found}. Only bearer tokens work without further keys.',
    fix: 'Find out which proxy or service answers instead of {authority}.',
  },
  'no-expiry': {
    cause: '{authority} returned a token without a valid expiry.',
    fix: 'Find out which proxy or firewall changes responses from {authority}.',
  },
  expired: {
    cause: '{authority} returned a token that expired at {found}. The step did not use it.',
    fix: 'Run the job again. If it still fails, check this machine’s clock ({clockCommand}), and find out which proxy or service returns old answers of {authority}.',
  },
  'other-identity': {
    cause:
      '{authority} returned the token of an identity other than the selected one. The step did not use it.',
    fix: 'Check the ID. Then find out what answers in place of this machine’s identity endpoint, and whether the job sets IDENTITY_ENDPOINT or AZURE_POD_IDENTITY_AUTHORITY_HOST.',
  },
  'other-app': {
    cause: '{authority} returned a token of an app other than {app}. The step did not hand it over.',
    fix: 'Do not trust the server that answers as {authority}. Check the proxy in between.',
  },
  'other-tenant': {
    cause: '{authority} returned a token for a tenant other than {tenant}. The step did not hand it over.',
    fix: 'Do not trust the server that answers as {authority}. Check the proxy in between.',
  },
  'other-resource': {
    cause: '{authority} returned a token for another resource than {scope}. The step did not hand it over.',
    fix: 'Do not trust the server that answers as {authority}. Check the proxy in between.',
  },
  'other-agent-identity': {
    cause:
      '{authority} returned a blueprint’s token for an agent identity other than {agent}. The step did not use it.',
    fix: 'Do not trust the server that answers as {authority}. Check the proxy in between.',
  },
  'other-blueprint': {
    cause:
      '{authority} returned a token of an agent identity whose blueprint is not {blueprint}. The step did not hand it over.',
    fix: 'Do not trust the server that answers as {authority}. Check the proxy in between.',
  },
};
