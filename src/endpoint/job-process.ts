import type { InputName, OutputName } from '../contract.ts';
import type { MachineFacts } from '../exchange/machine.ts';
import type { ExchangeRequest } from '../exchange/request.ts';
import type { StepRequest } from '../inputs/read.ts';
import type { Guard } from './watchdog.ts';

/**
 * What a step and the background process of `export: managed-identity` say to each other, over the channel that exists
 * only while the process starts. Nothing of it is in an argument or a variable, which others can read.
 *
 * The step: start. The process: listening. The step records where it listens, and gives the job its variables; then: keep.
 * The process: kept. A channel that closes before that ends the process.
 */

export interface EndpointSettings {
  readonly request: StepRequest;
  /** The exchange that gives each token, with the proxy and the machine's own endpoint. */
  readonly exchange: ExchangeRequest;
  readonly machine: MachineFacts;
  /** How the host writes the names of inputs and outputs, for messages. */
  readonly labels: Readonly<Record<InputName | OutputName, string>>;
  readonly guard: Guard;
}

export type ToEndpoint =
  | { readonly kind: 'start'; readonly settings: EndpointSettings }
  | { readonly kind: 'keep' };

export type FromEndpoint =
  | { readonly kind: 'listening'; readonly url: string; readonly secret: string }
  | { readonly kind: 'failed'; readonly words: string }
  | { readonly kind: 'kept' };
