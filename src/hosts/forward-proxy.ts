import { StepRefusal } from '../refusal.ts';
import type { ForwardProxy } from './host.ts';

/**
 * A proxy as users write it: with `http://` or without, user and password percent-encoded or (where it still can be
 * read) not.
 *
 * @throws StepRefusal naming the setting, whose value is not told: it may hold a password
 */
export function forwardProxy(setting: string, written: string): ForwardProxy {
  const text = /^[a-z][a-z0-9+.-]*:\/\//iu.test(written) ? written : `http://${written}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.hostname === '') {
    throw new StepRefusal({
      kind: 'setting',
      setting,
      problem: 'is not the address of an http proxy',
      remedy: 'write http://host:port or http://user:password@host:port, special characters percent-encoded.',
    });
  }
  const { protocol, host, username, password } = url;
  return {
    url: `${protocol}//${host}`,
    ...(username !== '' && { username: decoded(username) }),
    ...(password !== '' && { password: decoded(password) }),
  };
}

/** A lone percent sign is itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
