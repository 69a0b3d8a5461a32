import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { troubleshooting, troubleshootingFile } from '../scripts/troubleshooting.ts';
import { entraCodes } from '../src/exchange/entra-codes.ts';

test('the troubleshooting page is what the tables say: npm run docs writes it', () => {
  expect(readFileSync(troubleshootingFile, 'utf8')).toBe(troubleshooting());
});

test('every code has a heading of its own', () => {
  const page = troubleshooting();
  for (const code of entraCodes.flatMap((row) => row.codes)) {
    expect(page).toMatch(new RegExp(`^### AADSTS${code}(:|$)`, 'mu'));
  }
});
