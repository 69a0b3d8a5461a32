import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { installAzureCli } from './stand-ins.ts';
import { goodInputs, windowsHosts } from './windows-hosts.ts';
import { drive, windowsPath } from './wine.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());

const folder = join(drive, 'Program Files (x86)', 'Azure CLI');
beforeAll(() => installAzureCli(folder, 'probe.exe'));

describe.each(windowsHosts)('$title on Windows', (host) => {
  test.each(['Büro é', 'agent (2)'])('login works below a folder named %s', async (agentFolder) => {
    using job = host.start(azure, { agentFolder, path: windowsPath(folder) });
    const { errors } = await job.step({ ...goodInputs, login: 'azure-cli' });
    expect(errors).toEqual([]);
    const [login] = job.standIns.calls('probe');
    const file = `@${job.temp}\\${job.left()[0]}\\federated-token`;
    expect(login?.words).toContain(file);
    expect(login?.contents[login.words.indexOf(file)]).toMatch(/^eyJ/u);
    await job.post();
    expect(job.left()).toEqual([]);
  });
});
