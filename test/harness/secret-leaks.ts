import type { Transcript } from './transcript.ts';

/** The names under which a step may hand a secret to the job. Anywhere else, a secret is a leak. */
export interface HandedOver {
  readonly outputs?: readonly string[];
  readonly variables?: readonly string[];
}

/**
 * Fails when a secret is anywhere except in the host's mask command and in a value handed over under one of the given
 * names. It looks at what the process wrote, at its command files, and at what a person sees, debug lines included. It
 * finds a secret as it is, in base64, percent- or JSON-escaped, in hexadecimal, and split over lines; and a token also
 * by its payload or signature.
 *
 * @throws with the position of each secret in the list, never with its value.
 */
export function assertNoSecretLeaks(
  results: Transcript | readonly Transcript[],
  secrets: readonly string[],
  handedOver: HandedOver = {},
): void {
  if (secrets.length === 0)
    throw new Error('There is no secret to look for, so the check would prove nothing.');
  const leaks = [results].flat().flatMap((result) => leaksOf(result as Transcript, secrets, handedOver));
  if (leaks.length > 0) throw new Error(`Secrets leaked:\n${leaks.map((leak) => `  ${leak}`).join('\n')}`);
}

function leaksOf(result: Transcript, secrets: readonly string[], handedOver: HandedOver): string[] {
  const names = new Set(
    [...(handedOver.outputs ?? []), ...(handedOver.variables ?? [])].map((name) => name.toLowerCase()),
  );
  const unexpected = result.written.filter(({ takenFor, name }) => {
    if (takenFor === 'mask') return false;
    return takenFor === 'text' || name === undefined || !names.has(name.toLowerCase());
  });
  const places = [
    ...unexpected.map(({ where, text, name }) => ({
      where: name === undefined ? where : `${where} (${name})`,
      text,
    })),
    { where: 'everything together, line breaks removed', text: unexpected.map(({ text }) => text).join('') },
    { where: 'the displayed log', text: result.displayed },
    { where: 'the displayed log, line breaks removed', text: result.displayed },
    ...result.debugLines.map((text) => ({ where: 'a debug line', text })),
    ...result.annotations.map(({ message, properties }) => ({
      where: 'an annotation',
      text: [message, ...Object.values(properties)].join('\n'),
    })),
  ].map(({ where, text }) => ({ where, text: where.endsWith('removed') ? text.replace(/\s/g, '') : text }));

  return secrets.flatMap((secret, index) =>
    [...formsOf(secret)].flatMap(([form, value]) =>
      places
        .filter(({ text }) => text.includes(value))
        .map(({ where }) => `${result.title}: secret ${index + 1} (${form}) in ${where}`),
    ),
  );
}

/** Shorter pieces can be found by chance. */
const shortestSecret = 8;
const shortestPart = 16;

function formsOf(secret: string): Map<string, string> {
  if (secret.length < shortestSecret) throw new Error('A secret this short can be found by chance.');
  const bytes = Buffer.from(secret, 'utf8');
  const forms = new Map([
    ['as it is', secret],
    ['percent-escaped', encodeURIComponent(secret)],
    ['JSON-escaped', JSON.stringify(secret).slice(1, -1)],
    ['hexadecimal', bytes.toString('hex')],
  ]);
  // Inside other text, the base64 of a value depends on the bytes before it: three forms, without their uncertain ends.
  for (const shift of [0, 1, 2]) {
    const text = bytes.subarray(shift).toString('base64').replace(/=+$/, '').slice(0, -1);
    forms.set(`base64, shifted by ${shift}`, text);
    forms.set(`base64url, shifted by ${shift}`, text.replaceAll('+', '-').replaceAll('/', '_'));
  }
  const [, payload, signature] = /^[\w-]+\.([\w-]+)\.([\w-]+)$/.exec(secret) ?? [];
  if (payload !== undefined && payload.length >= shortestPart) forms.set('its payload', payload);
  if (signature !== undefined && signature.length >= shortestPart) forms.set('its signature', signature);
  return forms;
}
