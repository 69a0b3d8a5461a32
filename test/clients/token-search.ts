import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { unzipSync } from 'fflate';
import { filesBelow } from './feed-software.ts';
import type { LaterStep } from './later-step.ts';

/** The ways in which somebody could write a token down. */
export const formsOf = (token: string): string[] => {
  const [, payload = '', signature = ''] = token.split('.');
  // The start of a base64 text depends on what stands before it: all three cases.
  const encoded = ['', 'x', 'xx'].map((before) =>
    Buffer.from(`${before}${token}`).toString('base64').slice(8, 200),
  );
  return [payload, signature, ...encoded];
};

/** Each file below a folder, and what an archive contains. */
function* contentsBelow(folder: string): Generator<{ readonly path: string; readonly text: string }> {
  for (const path of filesBelow(folder)) {
    const content = readFileSync(path);
    yield { path, text: content.toString('latin1') };
    if (/\.(?:tgz|gz)$/u.test(path)) yield { path, text: gunzipSync(content).toString('latin1') };
    if (/\.(?:jar|whl|zip)$/u.test(path)) {
      for (const entry of Object.values(unzipSync(content)))
        yield { path, text: Buffer.from(entry).toString('latin1') };
    }
  }
}

export const filesWith = (token: string, folders: readonly string[]): string[] => {
  const forms = formsOf(token);
  return folders
    .flatMap((folder) => [...contentsBelow(folder)])
    .flatMap(({ path, text }) => (forms.some((form) => text.includes(form)) ? [path] : []));
};

/** Whether a program printed a token. No mask has been applied to this text. */
export const shows = ({ stdout, stderr }: LaterStep, token: string): boolean =>
  formsOf(token).some((form) => `${stdout}${stderr}`.includes(form));
