import type { ForwardProxy } from '../exchange/request.ts';
import { HostSettingError } from './host.ts';

/**
 * Reads a proxy as users write it: with or without `http://`, and with the user name and password percent-encoded or
 * (if it can still be read) not.
 *
 * @throws HostSettingError naming the setting, without its value: it may hold a password
 */
export function readProxy(setting: string, written: string): ForwardProxy {
  const text = /^[a-z][a-z0-9+.-]*:\/\//iu.test(written) ? written : `http://${written}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.hostname === '') {
    throw new HostSettingError({
      setting,
      problem: 'is not the address of an HTTP proxy',
      fix: 'Write http://host:port or http://user:password@host:port, with special characters percent-encoded.',
    });
  }
  const { protocol, host, username, password } = url;
  return {
    url: `${protocol}//${host}`,
    setting,
    ...(username !== '' && { username: decoded(username) }),
    ...(password !== '' && { password: decoded(password) }),
  };
}

/** A percent sign that does not start an escape stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
