import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { azureReposScope } from './azure/azure-repos.ts';
import type { AppToken } from './exchange/request.ts';
import { systemWords } from './handover/errors.ts';
import { type GitCredentialSettings, readGitSettings } from './handover/git-credential.ts';
import { gitTokenName, ownerOfFiles, writePrivateFile } from './handover/private-directory.ts';
import { sanitizeForLog } from './hosts/sanitize.ts';
import { prepareProcess } from './inputs/environment.ts';
import { StepDeclined } from './inputs/errors.ts';

/** A token with less time left is replaced. Entra allows five minutes of clock skew. Milliseconds. */
const leastTimeLeft = 5 * 60_000;

/**
 * A token for git's credential helper of a job: the last one, or a new one if that is nearly over. Never throws.
 *
 * @param log takes lines for the user, on stderr
 * @returns nothing if there is none; the reason is then in the log
 */
export async function findGitToken(
  settingsPath: string,
  log: (text: string) => void,
): Promise<string | undefined> {
  const write = (text: string): void => log(`${sanitizeForLog(text)}\n`);
  try {
    const settings = readGitSettings(settingsPath);
    return cachedToken(settingsPath) ?? (await freshToken(settings, settingsPath, write));
  } catch (error) {
    write(
      `entra-app-token: Git’s credential helper cannot read its settings ${settingsPath}: ${systemWords(error)}. The clean-up removes them when the job ends. Run the step again, in this job.`,
    );
    return undefined;
  }
}

const cachePath = (settingsPath: string): string => join(dirname(settingsPath), gitTokenName);

/** The last token, if it can still be used. */
function cachedToken(settingsPath: string): string | undefined {
  try {
    const { token, expiresOn } = JSON.parse(readFileSync(cachePath(settingsPath), 'utf8')) as {
      readonly token: unknown;
      readonly expiresOn: unknown;
    };
    if (typeof token !== 'string' || typeof expiresOn !== 'number') return undefined;
    return expiresOn - Date.now() > leastTimeLeft ? token : undefined;
  } catch {
    // There is none yet.
    return undefined;
  }
}

function keepToken({ token, expiresOn }: AppToken, settingsPath: string): void {
  const path = cachePath(settingsPath);
  try {
    const text = JSON.stringify({ token, expiresOn: expiresOn.getTime() });
    writePrivateFile(path, text, ownerOfFiles(dirname(path)), 'git-token');
  } catch {
    // The next call asks Entra again.
  }
}

async function freshToken(
  settings: GitCredentialSettings,
  settingsPath: string,
  write: (text: string) => void,
): Promise<string | undefined> {
  const { request, tokenFile, proxy, certificateAuthority, labels } = settings;
  const { origin, audience, authorityHost, tenantId, clientId, timeBudget } = request;
  const secrets = new Set<string>();
  const facts = prepareProcess(process.env);
  try {
    if (facts.tlsVerificationOff) throw new StepDeclined('tls-verification-off');
    // The libraries are loaded only now: most calls find a token that is still good.
    const { exchange } = await import('./exchange/exchange.ts');
    const { tokens } = await exchange(
      {
        origin: { kind: origin.kind === 'token-file' ? 'token-file' : 'assertion-file', path: tokenFile },
        audience,
        authorityHost,
        tenantId,
        clientId,
        scopes: [azureReposScope],
        registries: [],
        timeBudget,
        ...(proxy && { proxy }),
        ...(certificateAuthority !== undefined && { certificateAuthority }),
      },
      {
        secret: (value) => void secrets.add(value),
        retrying: (retrying) =>
          void import('./messages/progress.ts').then(({ describeRetry }) => write(describeRetry(retrying))),
        tryEnded: () => undefined,
        accepted: () => undefined,
      },
    );
    const token = tokens.get(azureReposScope);
    if (token === undefined) throw new Error(`no token for ${azureReposScope}`);
    keepToken(token, settingsPath);
    return token.token;
  } catch (error) {
    const { describeFailure } = await import('./messages/failures.ts');
    const inputLabel = (name: keyof typeof labels): string => labels[name];
    const { error: text, diagnosis } = describeFailure(error, { inputLabel, request, facts, secrets });
    write(`entra-app-token: ${diagnosis ?? text}`);
    return undefined;
  }
}
