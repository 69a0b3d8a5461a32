/** `npm run check:dist`, after the build: `dist/` must be committed as it was just built. */
import { execFileSync } from 'node:child_process';

const changed = execFileSync('git', ['status', '--porcelain', '--', 'dist'], { encoding: 'utf8' }).trim();
if (changed !== '') {
  process.stderr.write(
    `dist/ differs from what the sources build. Run "npm run build" and commit it:\n${changed}\n`,
  );
  process.exitCode = 1;
}
