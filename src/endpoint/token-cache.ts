import { type Budget, type Clock, startBudget } from '../exchange/budget.ts';
import type { AppTokenSource } from '../exchange/exchange.ts';
import type { AppToken } from '../exchange/request.ts';

/** A token with less time left is replaced before it is handed out: clients would ask again at every call. */
const leastTimeLeft = 5 * 60_000;

export const mostExchangesPerMinute = 30;
const minute = 60_000;

export interface TokenCache {
  /**
   * The app's token for a scope. Callers at the same time share one exchange, which goes on if they leave.
   *
   * @returns nothing if this minute had too many exchanges
   * @throws ExchangeError if the exchange fails
   */
  token(scope: string): Promise<AppToken | undefined>;
  /** Forgets all tokens and ends all exchanges. */
  stop(): void;
}

/**
 * @param source is asked for only when the first token is
 * @param timeBudget for each exchange. Milliseconds
 */
export function createTokenCache(
  source: () => Promise<Pick<AppTokenSource, 'token'>>,
  timeBudget: number,
  clock: Clock,
): TokenCache {
  const kept = new Map<string, AppToken>();
  const underWay = new Map<string, Promise<AppToken>>();
  const budgets = new Set<Budget>();
  let starts: readonly number[] = [];
  const timeLeft = ({ expiresOn }: AppToken): number => expiresOn.getTime() - clock.date();

  const exchange = async (scope: string): Promise<AppToken> => {
    // A budget of its own for each exchange, and none for the whole server, which may live for days.
    const budget = startBudget(timeBudget, clock, Math.random);
    budgets.add(budget);
    try {
      const fresh = await (await source()).token(scope, budget);
      for (const [other, token] of kept) if (timeLeft(token) <= 0) kept.delete(other);
      const before = kept.get(scope);
      const best = before !== undefined && before.expiresOn > fresh.expiresOn ? before : fresh;
      kept.set(scope, best);
      return best;
    } finally {
      budgets.delete(budget);
      budget.cancel();
      underWay.delete(scope);
    }
  };

  return {
    token: async (scope) => {
      const known = kept.get(scope);
      if (known !== undefined && timeLeft(known) >= leastTimeLeft) return known;
      const running = underWay.get(scope);
      if (running !== undefined) return running;
      starts = starts.filter((start) => clock.now() - start < minute);
      if (starts.length >= mostExchangesPerMinute) return undefined;
      starts = [...starts, clock.now()];
      const started = exchange(scope);
      underWay.set(scope, started);
      return started;
    },
    stop: () => {
      kept.clear();
      for (const budget of budgets) budget.cancel();
    },
  };
}
