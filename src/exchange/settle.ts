import { ExchangeFailure } from './failure.ts';
import type { AssertionClaims } from './request.ts';
import type { LegTransport } from './transport.ts';

/** Waits for a credential, and prefers what its transport saw to how the libraries reworded it. */
export async function settle<T>(
  transport: LegTransport,
  token: Promise<T>,
  context: { readonly scope?: string; readonly assertion?: AssertionClaims },
): Promise<T> {
  try {
    return await token;
  } catch (error) {
    const failure = transport.failure();
    throw failure && 'leg' in failure.problem
      ? new ExchangeFailure({ ...failure.problem, ...context })
      : error;
  }
}
