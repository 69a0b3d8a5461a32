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
  'no-token': {
    cause: '{authority} returned an answer without a token.',
    fix: 'Find out which proxy or firewall changes responses from {authority}.',
  },
  'no-expiry': {
    cause: '{authority} returned a token without a valid expiry.',
    fix: 'Find out which proxy or firewall changes responses from {authority}.',
  },
  'other-app': {
    cause: '{authority} returned a token of an app other than {app}. The step did not hand it over.',
    fix: 'Do not trust the server that answers as {authority}. Check the proxy in between.',
  },
  'other-tenant': {
    cause: '{authority} returned a token for a tenant other than {tenant}. The step did not hand it over.',
    fix: 'Do not trust the server that answers as {authority}. Check the proxy in between.',
  },
};
