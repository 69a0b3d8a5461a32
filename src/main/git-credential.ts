import { text } from 'node:stream/consumers';
import { answerGit } from '../git-credential.ts';

// Git appends the operation to the words that the step wrote.
const [settings = '', operation = ''] = process.argv.slice(2);
void text(process.stdin)
  .then((question) => answerGit(operation, question, settings, (line) => process.stderr.write(line)))
  .then((answer) => process.stdout.write(answer));
