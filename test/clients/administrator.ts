import { clientIds, subscriptionIds, worldFor } from '../../emulator/default-world.ts';
import type { World } from '../../emulator/world.ts';
import {
  goodInputs,
  type HostUnderTest,
  type Inputs,
  type JobUnderTest,
} from '../scenarios/hosts-under-test.ts';
import type { MachineWithClients } from './machine-with-clients.ts';

/** The default world, in which the administrator sees the subscription of the runners' identity. */
export function administratedWorld(): World {
  const world = worldFor('public');
  const subscriptions = world.subscriptions.map((subscription) =>
    subscription.id === subscriptionIds.contosoProduction
      ? { ...subscription, visibleTo: [...subscription.visibleTo, clientIds.administrator] }
      : subscription,
  );
  return { ...world, subscriptions };
}

const inputs: Inputs = {
  ...goodInputs,
  'client-id': clientIds.administrator,
  login: 'azure-cli',
  'subscription-id': subscriptionIds.contosoProduction,
};

/** A job whose later steps set up trust by az, as an administrator. */
export async function administratorsJob(
  host: HostUnderTest,
  machine: MachineWithClients,
): Promise<JobUnderTest> {
  const job = host.job(machine.azure, machine);
  const { errors } = await job.step(inputs);
  if (errors.length > 0) throw new Error(errors.join('\n'));
  return job;
}
