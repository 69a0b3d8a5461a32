import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { troubleshooting, troubleshootingFile } from '../scripts/troubleshooting.ts';
import { entraCodes } from '../src/exchange/entra-codes.ts';

test('the troubleshooting page is up to date with the tables (npm run docs writes it)', () => {
  expect(readFileSync(troubleshootingFile, 'utf8')).toBe(troubleshooting());
});

test('every code has its own heading', () => {
  const page = troubleshooting();
  for (const code of entraCodes.flatMap((row) => row.codes)) {
    expect(page).toMatch(new RegExp(`^### AADSTS${code}(:|$)`, 'mu'));
  }
});
