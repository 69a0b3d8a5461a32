import { discoveryResponse } from './discovery.ts';
import { entraErrorResponse } from './entra-error-response.ts';
import type { Handler } from './handler.ts';
import type { IssuerKeys, SigningKeys } from './signing-keys.ts';
import { tokenResponse } from './token-endpoint.ts';
import type { World } from './world.ts';

/** Microsoft Entra: the token endpoint, the discovery documents and the signing keys. */
export function entraService(keys: SigningKeys, world: () => World, externalIssuers: IssuerKeys): Handler {
  return (request) => {
    const [, tenant = '', ...rest] = request.path.split('/');
    const route = rest.join('/');
    if (route === 'oauth2/v2.0/token') {
      if (request.method === 'POST') return tokenResponse(request, tenant, world(), keys, externalIssuers);
      return entraErrorResponse(900561, request);
    }
    if (request.method === 'GET') {
      const response = discoveryResponse(request, tenant, route, world(), keys);
      if (response !== undefined) return response;
    }
    return { status: 404 };
  };
}
