// The program inside stand-in.exe: plays whoami, icacls and the Azure CLI under Wine. It records how it was called,
// and answers as the test says. The test talks to it through the folder that STAND_INS names (stand-ins.ts).
const { appendFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } = require('node:fs');
const { win32 } = require('node:path');

const program = win32.basename(process.execPath, '.exe').toLowerCase();
const words = process.argv.slice(2);

/** What an argument names at the time of the call: a file's text (also as `@FILE`) or a folder's entries. */
function contents(word) {
  const path = word.replace(/^@/, '');
  if (!win32.isAbsolute(path) || !existsSync(path)) return undefined;
  return statSync(path).isDirectory() ? readdirSync(path) : readFileSync(path, 'utf8');
}

const folder = process.env.STAND_INS;
const call = { program, words, contents: words.map(contents), environment: process.env };
appendFileSync(win32.join(folder, 'calls.jsonl'), `${JSON.stringify(call)}\n`);

const answers = JSON.parse(readFileSync(win32.join(folder, 'answers.json'), 'utf8'));
const { stdout = '', stderr = '', code = 0 } = answers[program] ?? {};
const user = words[words.indexOf('--username') + 1];
if (words.includes('login') && code === 0) {
  // What az leaves after a sign-in.
  const profile = { subscriptions: [{ user: { name: user } }] };
  writeFileSync(win32.join(process.env.AZURE_CONFIG_DIR, 'azureProfile.json'), JSON.stringify(profile));
}
process.stdout.write(stdout);
process.stderr.write(stderr);
process.exitCode = code;
