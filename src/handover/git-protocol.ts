import { isAzureReposHost } from '../azure/azure-repos.ts';

/**
 * Answers one call of git: https://git-scm.com/docs/git-credential#IOFMT.
 *
 * @param operation `get`; git's other operations have no answer, because nothing is stored
 * @param question git's description of what it wants a credential for
 * @param findToken a token for Azure Repos, or nothing after it has said why there is none
 * @returns what git reads: nothing for any address that is not Azure Repos
 */
export async function answerGit(
  operation: string,
  question: string,
  findToken: () => Promise<string | undefined>,
): Promise<string> {
  if (operation !== 'get') return '';
  const { protocol, host, username } = readQuestion(question);
  if (protocol !== 'https' || !isAzureReposHost(host ?? '')) return '';
  const token = await findToken();
  // Azure Repos accepts any user name: https://learn.microsoft.com/azure/devops/repos/git/auth-overview
  return token === undefined ? quit : `username=${username || 'entra-app-token'}\npassword=${token}\n`;
}

/** Git then fails at once. Otherwise it would ask the user, and wait for ever in a job with a terminal. */
const quit = 'quit=1\n';

function readQuestion(question: string): Readonly<Partial<Record<string, string>>> {
  return Object.fromEntries(
    question
      .split('\n')
      .map((line) => [line.slice(0, Math.max(0, line.indexOf('='))), line.slice(line.indexOf('=') + 1)]),
  );
}
