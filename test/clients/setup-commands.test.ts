import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { clientIds, tenantIds } from '../../emulator/default-world.ts';
import { codeBlocks } from '../documents/documents.ts';
import { goodInputs, oneOfEach, runStepOn } from '../scenarios/hosts-under-test.ts';
import { administratedWorld, administratorsJob } from './administrator.ts';
import { printedBy } from './later-step.ts';
import { type MachineWithClients, startMachineWithClients } from './machine-with-clients.ts';

let machine: MachineWithClients;
beforeAll(async () => {
  machine = await startMachineWithClients();
});
afterAll(() => machine.stop());

beforeEach(() => machine.azure.setWorld(administratedWorld()));

/** README's own commands, a reader's values in place of what stands in angle brackets. */
function readmeCommands(values: Readonly<Record<string, string>>): string {
  const blocks = codeBlocks(readFileSync('README.md', 'utf8'))
    .filter(({ language, code }) => language === 'sh' && /^app=|federated-credential create/mu.test(code))
    .map(({ code }) => code);
  const commands = blocks.join('\n').replaceAll(/<([^<>\n]+)>/gu, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`README asks for a value that this test does not know: ${name}`);
    return value;
  });
  expect(commands).toMatch(/^app=[\s\S]*az identity show[\s\S]*az ad app federated-credential create/u);
  return `set -euo pipefail\n${commands}`;
}

describe.each(oneOfEach)('$title', (host) => {
  const exchangeOf = (app: string) => runStepOn(host, machine.azure, { ...goodInputs, 'client-id': app });
  /** The time is too short for a second try, so what is refused at first stays refused. */
  const firstTryOf = (app: string) =>
    runStepOn(host, machine.azure, { ...goodInputs, 'client-id': app, 'timeout-seconds': '3' });

  test('the commands of the README fix it', async () => {
    const before = await firstTryOf(clientIds.trustless);
    expect(before.errors.join()).toContain('AADSTS70025');

    const job = await administratorsJob(host, machine);
    const commands = readmeCommands({
      'client ID of the app registration': clientIds.trustless,
      'tenant ID': tenantIds.contoso,
      group: 'runners',
      identity: 'runner',
    });
    await printedBy(job, ['bash', '-c', commands]);
    job.close();
    expect((await exchangeOf(clientIds.trustless)).errors).toEqual([]);
  });

  test.each(['trustless', 'wrongSubject', 'wrongIssuer'] as const)(
    'the commands of the failure’s diagnosis fix it: %s',
    async (name) => {
      const before = await firstTryOf(clientIds[name]);
      const message = before.log;
      const list = /(az ad app federated-credential list .*)$/mu.exec(message)?.[1] ?? '';
      const create = /(az ad app federated-credential create .*)$/mu.exec(message)?.[1] ?? '';

      const job = await administratorsJob(host, machine);
      const namesOf = async () =>
        (JSON.parse(await printedBy(job, ['bash', '-c', list])) as { name: string }[]).map(
          ({ name }) => name,
        );
      const had = await namesOf();
      await printedBy(job, ['bash', '-c', create]);
      expect(await namesOf()).toEqual([...had, 'managed-identity-0b1ec700']);
      job.close();
      expect((await exchangeOf(clientIds[name])).errors).toEqual([]);
    },
  );

  test('the command of the diagnosis fixes a wrong audience', async () => {
    const before = await firstTryOf(clientIds.wrongAudience);
    const message = before.log;
    expect(message).toContain('AADSTS700212');
    const update = /(az ad app federated-credential update .*)$/mu.exec(message)?.[1] ?? '';
    const job = await administratorsJob(host, machine);
    await printedBy(job, ['bash', '-c', update]);
    job.close();
    expect((await exchangeOf(clientIds.wrongAudience)).errors).toEqual([]);
  });
});
