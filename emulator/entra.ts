import { discoveryAnswer } from './discovery.ts';
import { entraFailure } from './entra-failure.ts';
import type { Handler } from './service.ts';
import type { SigningKeys } from './signing-keys.ts';
import { tokenAnswer } from './token-endpoint.ts';
import type { World } from './world.ts';

/** Microsoft Entra: the token endpoint and the documents by which clients discover it. */
export function entraService(keys: SigningKeys, world: () => World): Handler {
  return (request) => {
    const [, tenant = '', ...rest] = request.path.split('/');
    const route = rest.join('/');
    if (route === 'oauth2/v2.0/token') {
      if (request.method === 'POST') return tokenAnswer(request, tenant, world(), keys);
      return entraFailure(900561, request);
    }
    if (request.method === 'GET') {
      const answer = discoveryAnswer(request, tenant, route, world(), keys);
      if (answer !== undefined) return answer;
    }
    return { status: 404 };
  };
}
