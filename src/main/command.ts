import { nodeIsTooOld, oldest } from './old-node.ts';

if (nodeIsTooOld()) {
  process.stderr.write(
    `entra-app-token needs Node ${oldest} or later. This is Node ${process.versions.node}.\n`,
  );
  process.exitCode = 1;
} else {
  void import('../command/command-line.ts')
    .then(({ runCommandLine }) => runCommandLine(process.argv.slice(2)))
    .then((code) => {
      process.exitCode = code;
    });
}
