import { networkInterfaces } from 'node:os';

/**
 * Throws unless this process has no network but loopback, so that no client can reach a real metadata service.
 * `npm run test:clients` starts the tests that way (`scripts/closed-network.sh`).
 */
export function assertClosedNetwork(): void {
  const open = Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses.some(({ internal }) => !internal) ? [name] : [],
  );
  if (open.length > 0) {
    throw new Error(
      `These tests run only in a closed network, but ${open.join(', ')} leads outside. Use npm run test:clients.`,
    );
  }
}
