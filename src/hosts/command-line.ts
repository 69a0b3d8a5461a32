import type { InputName } from '../contract.ts';
import type { Host } from './host.ts';
import { chooseProxy } from './proxy-variables.ts';
import { sanitizeForLog } from './sanitize.ts';

/** Where an option's value was given. */
export interface GivenOption {
  readonly value: string;
  /** `--client-id`, or the variable `ENTRA_APP_TOKEN_CLIENT_ID`. */
  readonly source: string;
}

/**
 * A shell or another program that starts the command. Everything for people goes to stderr, because stdout is for
 * tokens; nothing masks them there.
 */
export type CommandLineHost = Pick<
  Host,
  | 'inputLabel'
  | 'readInput'
  | 'registerSecret'
  | 'info'
  | 'warning'
  | 'isDebug'
  | 'debug'
  | 'fail'
  | 'proxyFor'
  | 'certificateAuthority'
>;

/** @param options the options that have a value, by name */
export function commandLineHost(
  options: ReadonlyMap<InputName, GivenOption>,
  { debug, scopesOption }: { readonly debug: boolean; readonly scopesOption: string },
): CommandLineHost {
  const write = (text: string): void => {
    process.stderr.write(`${sanitizeForLog(text)}\n`);
  };
  return {
    inputLabel: (name) =>
      options.get(name as InputName)?.source ?? `--${name === 'scopes' ? scopesOption : name}`,
    readInput: (name) => options.get(name)?.value.trim() ?? '',
    registerSecret: () => undefined,
    info: write,
    warning: (text) => write(`Warning: ${text}`),
    isDebug: () => debug,
    debug: (text) => {
      if (debug) write(text);
    },
    fail: (text) => write(`entra-app-token: ${text}`),
    proxyFor: async (url) => chooseProxy(url, process.env),
    certificateAuthority: () => undefined,
  };
}
