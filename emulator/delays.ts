import type { Leg } from './request-log.ts';

/** How long each service waits before it answers, in milliseconds. */
export class Delays {
  readonly #byLeg = new Map<Leg, number>();

  set(leg: Leg, milliseconds: number): void {
    this.#byLeg.set(leg, milliseconds);
  }

  clear(): void {
    this.#byLeg.clear();
  }

  of(leg: Leg): number {
    return this.#byLeg.get(leg) ?? 0;
  }
}
