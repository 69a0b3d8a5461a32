import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { goodInputs, oneOfEach } from '../scenarios/hosts-under-test.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());

const inputs = { ...goodInputs, scopes: 'ARM_TOKEN = arm' };
/** `printf "$prefix%s" "$ARM_TOKEN" | base64 --wrap=0`, as `git -c http.extraheader` needs it. */
const encode = `
  for (const prefix of ['', ':', 'u:', 'user:'])
    console.log('encoded', Buffer.from(prefix + process.env.ARM_TOKEN).toString('base64'));`;
const parts = `
  const [header, payload, signature] = process.env.ARM_TOKEN.split('.');
  console.log('payload', payload);
  console.log('signature', signature);
  console.log('cut', header.slice(-4) + '.' + payload + '.');`;

describe.each(oneOfEach)('$title', (host) => {
  test.each([
    ['base64, at each of the three offsets', encode],
    ['its payload and its signature alone', parts],
  ])('%s', async (_, source) => {
    const job = host.job(azure);
    try {
      const { succeeded, variables } = await job.step(inputs);
      expect(succeeded).toBe(true);
      const token = variables['ARM_TOKEN'] ?? '';
      const environment = host.kind === 'azure-pipelines' ? { ARM_TOKEN: '$(ARM_TOKEN)' } : {};
      const later = await job.script(source, environment);
      expect(later.succeeded).toBe(true);
      const [, payload = '', signature = ''] = token.split('.');
      expect(payload.length * signature.length).toBeGreaterThan(0);
      expect(later.log).not.toContain(payload);
      expect(later.log).not.toContain(signature);
      // What is left of a line is too short to be a part of the token that means anything.
      const left = later.log.match(/[\w+/]{32,}/gu) ?? [];
      expect(left).toEqual([]);
      expect(later.log.match(/\*\*\*/gu)?.length).toBeGreaterThanOrEqual(3);
    } finally {
      job.close();
    }
  });
});
