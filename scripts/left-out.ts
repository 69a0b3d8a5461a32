/**
 * Stands in the bundles for packages that are imported there and never called: each would be loaded and compiled
 * at every start. A call would be a defect, and says so.
 */
function absent(): never {
  throw new Error('This part of a library is not in the bundle, since the step never calls it.');
}

/** `open` starts a browser for interactive sign-in. */
export default absent;

/**
 * `@actions/http-client` serves the toolkit's own OIDC and REST clients. `@actions/github` asks it for an agent when
 * it is loaded, to have a REST client ready that nobody here uses; there is nothing to send, so there is no agent.
 */
export class HttpClient {
  getAgent(): undefined {
    return undefined;
  }

  getAgentDispatcher(): undefined {
    return undefined;
  }

  request(): never {
    return absent();
  }
}

export class BearerCredentialHandler {
  constructor() {
    absent();
  }
}

/** `undici` serves the proxies of those clients. */
export class ProxyAgent extends BearerCredentialHandler {}
export const fetch = absent;
