import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { assertClosedNetwork } from './closed-network.ts';
import { azureCli, type Client } from './installed.ts';

/** A machine in the embedded Azure on which other people's clients are installed. They find Azure by its own names. */
export interface MachineWithClients {
  readonly azure: Emulator;
  /** The job's user's. Every job of the machine has the same. */
  readonly home: string;
  /** A folder for what a test writes. */
  readonly workshop: string;
  /** What every job finds in its environment, besides what the host under test adds. */
  readonly environment: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** @param az the Azure CLI that is found first. */
export async function startMachineWithClients(az: Client = azureCli): Promise<MachineWithClients> {
  assertClosedNetwork();
  const azure = await startEmulator();
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'machine-')));
  const home = join(folder, 'home');
  mkdirSync(home);
  return {
    azure,
    home,
    workshop: folder,
    environment: {
      ...azure.environment('proxy'),
      HOME: home,
      PATH: [dirname(az.path), process.env['PATH'] ?? ''].join(delimiter),
      AZURE_CORE_COLLECT_TELEMETRY: 'no',
    },
    stop: async () => {
      await azure.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
