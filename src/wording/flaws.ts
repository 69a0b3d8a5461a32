import type { Flaw } from '../exchange/failure.ts';

/** Answers that carry no error and yet cannot be used: what each is and what mends it. */
export const flawWords: Readonly<Record<Flaw, { readonly what: string; readonly remedy: string }>> = {
  html: {
    what: 'a web page, not a token',
    remedy: 'see which proxy, firewall or captive portal answers in place of {authority}.',
  },
  'not-json': {
    what: 'no readable JSON, cut off perhaps',
    remedy: 'see which proxy or firewall changes the answers of {authority}; run the job again.',
  },
  redirect: {
    what: 'a redirection to another address, which is never followed with an assertion',
    remedy: 'check the address {authority}, and which proxy redirects it.',
  },
  'system-assigned': {
    what: 'the token of this machine’s system-assigned identity, and an app can trust none but a user-assigned one',
    remedy:
      'create a user-assigned identity (az identity create), assign it to the machine (az vm identity assign), let the app trust it, and name it here.',
  },
  'proxy-credentials': {
    what: 'the proxy’s answer, which wants another user or password (407)',
    remedy:
      'give the proxy’s user and password. GitHub: HTTPS_PROXY=http://user:password@host:port, special characters percent-encoded. Azure Pipelines: config --proxyusername and --proxypassword of the agent.',
  },
  'no-token': {
    what: 'an answer without a token',
    remedy: 'see which proxy or firewall changes the answers of {authority}.',
  },
  'no-expiry': {
    what: 'an answer that does not say until when its token lives',
    remedy: 'see which proxy or firewall changes the answers of {authority}.',
  },
  'other-app': {
    what: 'the token of another app than {app}',
    remedy: 'do not trust what answers as {authority}; check the proxy on the way.',
  },
  'other-tenant': {
    what: 'a token for another tenant than {tenant}',
    remedy: 'do not trust what answers as {authority}; check the proxy on the way.',
  },
};
