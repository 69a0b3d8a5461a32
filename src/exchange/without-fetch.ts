/**
 * Removes the global `FormData`, so that Node does not load its whole `fetch` (undici).
 *
 * Why: the Azure libraries check whether each request's body is a `FormData`. Node defines that name lazily, and the
 * first use of it loads undici: about 11 % of the step's whole time (docs/benchmarks.md). No body of ours is a
 * `FormData`, and the libraries skip the check when the name does not exist.
 *
 * What breaks if Node changes: nothing but the gain. `test/exchange/without-fetch.test.ts` fails when a step loads
 * undici again.
 */
export function withoutFetch(): void {
  Reflect.deleteProperty(globalThis, 'FormData');
}
