/** The embedded Azure in a process of its own, so that it does not share one with the measuring code. */
import { worldFor } from '../emulator/default-world.ts';
import { startEmulator } from '../emulator/emulator.ts';
import type { Answers, Order } from './azure-process.ts';
import { customApis } from './scopes.ts';

const world = worldFor('public');
const azure = await startEmulator({ ...world, resources: [...world.resources, ...customApis] });

const answer = <K extends keyof Answers>(value: Answers[K]): void => {
  process.send?.(value);
};

process.on('message', (order: Order) => {
  switch (order.kind) {
    case 'begin':
      azure.delays.set('imds', order.delays.identity);
      for (const leg of ['entra', 'arm'] as const) azure.delays.set(leg, order.delays.entra);
      azure.clearRequests();
      answer<'begin'>('ready');
      return;
    case 'count':
      // Counts the requests inside a proxy's tunnel, not the tunnel.
      answer<'count'>(azure.requests.filter(({ leg }) => leg !== 'proxy').length);
  }
});
process.once('disconnect', () => void azure.stop());

answer<'start'>({
  imds: azure.imds.url,
  authority: azure.entra.url,
  machine: azure.environment('machine', 'ca'),
  proxy: azure.environment('proxy'),
});
