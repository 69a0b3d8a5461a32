import { text } from 'node:stream/consumers';
import { azureReposScope } from '../azure/azure-repos.ts';
import { answerGit } from '../handover/git-protocol.ts';
import type { Invocation } from './invocation.ts';
import { print } from './output.ts';

/**
 * `entra-app-token git-credential get`: a credential helper that needs no step. Each call is an exchange of its own, because
 * nothing is stored.
 */
export async function helpGit({ prepare, operands }: Invocation): Promise<number> {
  const [operation = ''] = operands;
  const question = await text(process.stdin);
  let failure: unknown;
  const answer = await answerGit(operation, question, async () => {
    try {
      const { request, observer } = await prepare();
      const { exchange } = await import('../exchange/exchange.ts');
      const { tokens } = await exchange({ ...request, scopes: [azureReposScope], registries: [] }, observer);
      return tokens.get(azureReposScope)?.token;
    } catch (error) {
      failure = error;
      return undefined;
    }
  });
  await print(answer);
  // Reported after the answer, which makes git stop instead of asking the user.
  if (failure !== undefined) throw failure;
  return 0;
}
