import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { loginTargets } from '../../src/azure/tools.ts';
import { documents } from './documents.ts';

/** The content width on a phone that is 360 px wide, and the smallest letters that can be read on it. */
const phone = { width: 328, letters: 7.5 };

const pictures = documents('.svg');

describe.each(pictures)('$path', ({ text }) => {
  test('has its own background and colors for the light and the dark setting', () => {
    const [light = '', dark = ''] = text.split('@media (prefers-color-scheme: dark)');
    for (const colors of [light, dark]) {
      expect(colors).toMatch(/\.ground \{ fill: #/u);
      expect(colors).toMatch(/\btext \{[^}]*fill: #/u);
    }
    // A class with a color in one setting needs one in the other.
    const colored = (css: string): readonly string[] => [
      ...new Set(
        [...css.matchAll(/^ *\.([a-z-]+) \{[^}]*(?:fill|stroke): #/gmu)].map(([, name = '']) => name),
      ),
    ];
    expect([...colored(dark)].sort()).toEqual([...colored(light)].sort());
  });

  test('has letters that can be read on a phone', () => {
    const width = Number(/^<svg [^>]*viewBox="0 0 (\d+) /u.exec(text)?.[1]);
    const sizes = [...text.matchAll(/font(?:-size="|-size: |: )(\d+)/gu)].map(([, size]) => Number(size));
    expect(sizes.length).toBeGreaterThan(0);
    expect((Math.min(...sizes) * phone.width) / width).toBeGreaterThanOrEqual(phone.letters);
  });

  test('is small, has a name for screen readers, and loads and runs nothing', () => {
    expect(text.length).toBeLessThan(8_000);
    expect(text).toMatch(/^<svg [^>]*role="img" aria-label/u);
    expect(text).not.toMatch(/<script|<image|<foreignObject|@import|@font-face|href=|url\(|\son\w+=/iu);
  });
});

test('the flow shows the ways to hand over, the identity endpoint first', () => {
  const flow = readFileSync('docs/flow.svg', 'utf8');
  const shown = [...flow.matchAll(/class="code"[^>]*>([^<]+)</gu)].map(([, code = '']) => code);
  expect(shown.map((code) => code.split(':')[0])).toEqual([
    'export',
    'run',
    'scopes',
    'export',
    'login',
    'scopes',
  ]);
  expect(shown).toContain(`login: ${loginTargets.join(', ')}`);
});
