import { isoSeconds, type PublishedToken } from '../handover/tokens.ts';
import { publishedTokens } from '../session.ts';
import { type Invocation, UsageError } from './invocation.ts';
import { print } from './output.ts';

/** The variable of a scope without a name, for `--output env`. */
const unnamed = 'ACCESS_TOKEN';

/** `entra-app-token token`: the tokens on stdout, and nothing else there. */
export async function printTokens({ host, request, options, prepare }: Invocation): Promise<number> {
  const lines = request.published;
  const output = options['output'] as keyof typeof formats;
  if (output === 'text' && lines.length > 1) {
    throw new UsageError('Several scopes need --output json or --output env. Text has room for one token.');
  }
  if (output === 'env' && lines.filter(({ name }) => name === undefined).length > 1) {
    throw new UsageError(`Write NAME = SCOPE: only one scope can be without a name, which is ${unnamed}.`);
  }
  if (process.stdout.isTTY && options['show'] !== true) {
    throw new UsageError(
      'A token on a terminal stays in its history. Redirect stdout, or use --show to print it all the same.',
    );
  }
  const prepared = await prepare();
  const { exchange } = await import('../exchange/exchange.ts');
  const exchanged = await exchange(prepared.request, prepared.observer);
  const text = formats[output](
    publishedTokens(request, exchanged),
    options['shell'] === 'pwsh' ? 'pwsh' : 'sh',
  );
  await print(text);
  const { describeSuccess } = await import('../messages/success.ts');
  host.debug(describeSuccess(request, exchanged, host.inputLabel));
  return 0;
}

const quoted = {
  sh: (text: string): string => `'${text.replaceAll("'", "'\\''")}'`,
  pwsh: (text: string): string => `'${text.replace(/['‘’‚‛]/gu, '$&$&')}'`,
};

const formats = {
  text: ([first]: readonly PublishedToken[]): string => `${first?.token ?? ''}\n`,
  json: (tokens: readonly PublishedToken[]): string =>
    `${JSON.stringify(
      {
        tokens: tokens.map(({ name, written, token, expiresOn }) => ({
          ...(name !== undefined && { name }),
          scope: written,
          token,
          expiresOn: isoSeconds(expiresOn),
        })),
      },
      undefined,
      2,
    )}\n`,
  env: (tokens: readonly PublishedToken[], shell: keyof typeof quoted): string =>
    tokens
      .map(({ name = unnamed, token }) =>
        shell === 'sh' ? `export ${name}=${quoted.sh(token)}\n` : `$env:${name} = ${quoted.pwsh(token)}\n`,
      )
      .join(''),
};
