/**
 * Takes the place of packages in the bundles that libraries import but this product never calls.
 *
 * What it does: `bundlerConfig` in `bundles.ts` gives the bundler a path mapping, so every import of such a package
 * gets this file.
 * Why: a package is loaded and compiled when it is imported, even if nothing calls it. Without them the action needs
 * 15 % less time on loopback (docs/benchmarks.md, "What was tried").
 * What can break: the bundler (ncc, with webpack inside) could stop reading `paths` of the `tsconfig.json` in its
 * working directory, or a new release of a library could call such a package or import another name from it.
 * What notices: `test/scripts/bundles.test.ts` fails when a stubbed package is in a bundle. A call ends the step with
 * the error below, and a missing name fails the build or the scenarios.
 */
function neverCalled(): never {
  throw new Error('This part of a library is not in the bundle, because the step never calls it.');
}

/** `open` starts a browser for an interactive sign-in. */
export default neverCalled;

/**
 * `@actions/http-client` sends the requests of the toolkit's OIDC and REST clients. `@actions/github` creates a REST
 * client when it is loaded, and asks for an agent then. This product uses only its context and sends nothing with it.
 */
export class HttpClient {
  getAgent(): undefined {
    return undefined;
  }

  getAgentDispatcher(): undefined {
    return undefined;
  }

  request(): never {
    return neverCalled();
  }
}

export class BearerCredentialHandler {
  constructor() {
    neverCalled();
  }
}

/** `undici` gives those clients their proxy support. */
export class ProxyAgent extends BearerCredentialHandler {}
export const fetch = neverCalled;
