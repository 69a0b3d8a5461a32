/** The few pieces of ASN.1's distinguished encoding that an X.509 certificate is made of (ITU-T X.690). */

function encode(tag: number, content: Uint8Array): Buffer {
  const length = content.length;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.concat([Buffer.from([tag, 0x80 | bytes.length, ...bytes]), content]);
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => encode(0x30, Buffer.concat(parts));
export const set = (...parts: readonly Uint8Array[]): Buffer => encode(0x31, Buffer.concat(parts));
export const octetString = (content: Uint8Array): Buffer => encode(0x04, content);
export const utf8String = (text: string): Buffer => encode(0x0c, Buffer.from(text, 'utf8'));
export const boolean = (value: boolean): Buffer => encode(0x01, Buffer.from([value ? 0xff : 0]));
export const nothing = (): Buffer => encode(0x05, Buffer.alloc(0));

/** A positive integer from its big-endian bytes. */
export function integer(bytes: Uint8Array): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1;
  const significant = bytes.subarray(start);
  const signBit = ((significant[0] ?? 0) & 0x80) !== 0;
  return encode(0x02, signBit ? Buffer.concat([Buffer.from([0]), significant]) : significant);
}

/** `unused` is the number of meaningless bits at the end of the last byte. */
export function bitString(content: Uint8Array, unused = 0): Buffer {
  return encode(0x03, Buffer.concat([Buffer.from([unused]), content]));
}

/** `[number]`, constructed (an explicit tag) or primitive (an implicit one). */
export function tagged(number: number, content: Uint8Array, constructed = true): Buffer {
  return encode((constructed ? 0xa0 : 0x80) | number, content);
}

/** From the dotted form, such as `2.5.29.17`. */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) {
      groups.unshift((left & 0x7f) | 0x80);
    }
    bytes.push(...groups);
  }
  return encode(0x06, Buffer.from(bytes));
}

/** A date before 2050, to the second. */
export function utcTime(date: Date): Buffer {
  const digits = date.toISOString().replace(/[-:T]/g, '').slice(2, 14);
  return encode(0x17, Buffer.from(`${digits}Z`, 'latin1'));
}
