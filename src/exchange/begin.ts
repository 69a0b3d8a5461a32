import { agentConnectingAhead, authoritiesWith } from './connections.ts';
import type { ExchangeObserver } from './observer.ts';
import type { Exchanged, ExchangeRequest } from './request.ts';
import { tryLimits } from './retries.ts';

/**
 * Begins an exchange before its libraries are loaded: the way to Entra is opened meanwhile. Through a proxy the
 * library opens it, when it is needed.
 *
 * @throws ExchangeFailure as `exchange` does
 */
export async function beginExchange(
  request: ExchangeRequest,
  observer: ExchangeObserver,
): Promise<Exchanged> {
  const { authorityHost, certificateAuthority, proxy } = request;
  const authorities = certificateAuthority === undefined ? undefined : authoritiesWith(certificateAuthority);
  const agent = proxy
    ? undefined
    : agentConnectingAhead(new URL(authorityHost), tryLimits.entra.connect, authorities);
  try {
    const { exchange } = await import('./exchange.ts');
    return await exchange(request, observer, {
      ...(agent && { agent }),
      ...(authorities && { authorities }),
    });
  } finally {
    agent?.destroy();
  }
}
