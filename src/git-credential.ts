import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { azureReposScope } from './azure/azure-repos.ts';
import { askOwnEndpoint } from './endpoint/own-endpoint.ts';
import type { AppToken } from './exchange/request.ts';
import type { EndpointAddress } from './handover/endpoint-process.ts';
import { systemWords } from './handover/errors.ts';
import { type GitCredentialSettings, readGitSettings } from './handover/git-credential.ts';
import { closing, OpenDirectory } from './handover/open-directory.ts';
import { gitTokenName, ownerOfFiles, writePrivateFile } from './handover/private-directory.ts';
import { sanitizeForLog } from './hosts/sanitize.ts';
import { prepareProcess } from './inputs/environment.ts';
import { StepDeclined } from './inputs/errors.ts';

/** A token with less time left is replaced. Entra allows five minutes of clock skew. Milliseconds. */
const leastTimeLeft = 5 * 60_000;

/** It makes the whole exchange meanwhile, retries included. Milliseconds. */
const endpointPatience = 3_600_000;

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
    if (settings.endpoint) return await tokenOfEndpoint(settings.endpoint, write);
    return cachedToken(settingsPath) ?? (await freshToken(settings, settingsPath, write));
  } catch (error) {
    write(
      `entra-app-token: Git’s credential helper cannot read its settings ${settingsPath}: ${systemWords(error)}. The clean-up removes them when the job ends. Run the step again, in this job.`,
    );
    return undefined;
  }
}

/** The job's identity endpoint keeps its tokens itself, in memory. */
async function tokenOfEndpoint(
  { url, secret }: EndpointAddress,
  write: (text: string) => void,
): Promise<string | undefined> {
  const resource = azureReposScope.replace(/\/\.default$/u, '');
  const { host } = new URL(url);
  try {
    const question = `${url}?api-version=2019-08-01&resource=${resource}`;
    const { body } = await askOwnEndpoint('GET', question, secret, endpointPatience);
    const { access_token: token, message } = JSON.parse(body) as Readonly<Record<string, unknown>>;
    if (typeof token === 'string') return token;
    write(`entra-app-token: No token for git: ${String(message)}`);
  } catch (error) {
    write(
      `entra-app-token: The identity endpoint of this job, ${host}, does not answer: ${systemWords(error)}. It ends with the job. Run the step again, in this job.`,
    );
  }
  return undefined;
}

/** The last token, if it can still be used. */
function cachedToken(settingsPath: string): string | undefined {
  try {
    const { token, expiresOn } = JSON.parse(
      readFileSync(join(dirname(settingsPath), gitTokenName), 'utf8'),
    ) as {
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
  try {
    const text = JSON.stringify({ token, expiresOn: expiresOn.getTime() });
    closing(new OpenDirectory(dirname(settingsPath)), (directory) =>
      writePrivateFile(directory, gitTokenName, text, 'git-token', ownerOfFiles(directory)),
    );
  } catch {
    // The next call asks Entra again.
  }
}

async function freshToken(
  settings: GitCredentialSettings,
  settingsPath: string,
  write: (text: string) => void,
): Promise<string | undefined> {
  const { request, tokenFile = '', proxy, certificateAuthority, labels } = settings;
  const { origin, audience, authorityHost, tenantId, clientId, agentIdentityId, timeBudget } = request;
  const secrets = new Set<string>();
  const facts = prepareProcess(process.env);
  try {
    if (facts.tlsVerificationOff) throw new StepDeclined('tls-verification-off');
    // The libraries are loaded only now: most calls find a token that is still good.
    const { exchange } = await import('./exchange/exchange.ts');
    const { tokens } = await exchange(
      {
        // A pod's own file serves for the whole job, and with an agent identity for its blueprint's tokens.
        origin: origin.kind === 'token-file' ? origin : { kind: 'assertion-file', path: tokenFile },
        audience,
        authorityHost,
        tenantId,
        clientId,
        ...(agentIdentityId !== undefined && { agentIdentityId }),
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
