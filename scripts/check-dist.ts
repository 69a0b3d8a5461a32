/** The end of `npm run check`: `dist/` was just built anew, and must be what is committed. */
import { execFileSync } from 'node:child_process';

const changed = execFileSync('git', ['status', '--porcelain', '--', 'dist'], { encoding: 'utf8' }).trim();
if (changed !== '') {
  process.stderr.write(`dist/ is not what the sources build. Run npm run build and commit it:\n${changed}\n`);
  process.exitCode = 1;
}
