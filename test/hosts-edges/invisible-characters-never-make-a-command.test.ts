import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { goodInputs, oneOfEach, runStepOn } from '../scenarios/hosts-under-test.ts';

let azure: Emulator;
beforeAll(async () => {
  azure = await startEmulator();
});
afterAll(() => azure.stop());
afterEach(() => azure.faults.clear());

const ignored = /^[\p{Default_Ignorable_Code_Point}\p{Cf}]$/u;

/** Every character that the agent's search (ICU) skips or a reader cannot see, in runs: one of each run's ends. */
const characters = ((): readonly string[] => {
  const found: string[] = [];
  let before = false;
  for (let code = 1; code <= 0x10_ff_ff; code += 1) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const is = ignored.test(String.fromCodePoint(code));
    if (is && !before) found.push(String.fromCodePoint(code));
    if (!is && before) found.push(String.fromCodePoint(code - 1));
    before = is;
  }
  return [...new Set(found)];
})();

const groups = Array.from({ length: Math.ceil(characters.length / 8) }, (_, index) =>
  characters.slice(index * 8, index * 8 + 8),
);

test('the list has every character that was seen to hide a command', () => {
  const seen = ['\u00ad', '\u034f', '\u061c', '\u17b4', '\u180b', '\u180e', '\u206a', '\u206f', '\ufe00'];
  expect(seen.filter((character) => !ignored.test(character))).toEqual([]);
  expect(characters.length).toBeGreaterThan(30);
});

describe.each(oneOfEach)('$title', (host) => {
  test.each(groups.map((group, index) => [index, group] as const))(
    'Entra’s words with invisible characters in commands, part %i',
    async (_, group) => {
      const words = group
        .flatMap((c) => [
          `#${c}#vso[task.setvariable variable=injected]yes`,
          `##${c}vso[task.setsecret]injected`,
          `##v${c}so[task.logissue type=error]injected`,
          `#${c}#[error]injected`,
          `:${c}:error::injected`,
        ])
        .join('\n');
      azure.faults.queue('entra', {
        status: 400,
        body: { error: 'invalid_client', error_description: words, error_codes: [700016] },
      });
      const outcome = await runStepOn(host, azure, goodInputs);
      expect(outcome.succeeded).toBe(false);
      // One error, and no warning of the agent that it could not read a command.
      expect(outcome.transcript.annotations).toHaveLength(1);
      expect({ ...outcome.variables, ...outcome.outputs }).toEqual({});
      const masks = outcome.order.filter(({ kind, text }) => kind === 'mask' && text.includes('injected'));
      expect(masks).toEqual([]);
      expect(outcome.log).not.toMatch(/[\p{Default_Ignorable_Code_Point}\p{Cf}]/u);
      // All of it was shown, so nothing of it was only cut off.
      expect(outcome.log.match(/\ufffd/gu)?.length).toBeGreaterThanOrEqual(group.length * 5);
    },
  );

  test('the agent’s prefix without its bracket costs no warning', async () => {
    azure.faults.queue('entra', {
      status: 400,
      body: { error: 'invalid_client', error_description: 'x ##vso y ##VSO', error_codes: [700016] },
    });
    const outcome = await runStepOn(host, azure, goodInputs);
    expect(outcome.transcript.annotations).toHaveLength(1);
    expect(outcome.transcript.annotations[0]?.level).toBe('error');
  });
});
