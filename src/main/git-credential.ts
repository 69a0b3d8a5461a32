import { text } from 'node:stream/consumers';
import { findGitToken } from '../git-credential.ts';
import { answerGit } from '../handover/git-protocol.ts';

// Git appends the operation to the words that the step wrote.
const [settings = '', operation = ''] = process.argv.slice(2);
const log = (line: string): void => void process.stderr.write(line);
void text(process.stdin)
  .then((question) => answerGit(operation, question, () => findGitToken(settings, log)))
  .then((answer) => process.stdout.write(answer));
