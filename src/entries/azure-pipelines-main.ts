/**
 * Where the operating system is too old for Node 20 (its glibc), an agent runs the task on Node 16 instead:
 * https://github.com/microsoft/azure-pipelines-agent/issues/4697.
 */
const oldest = 20;

if (Number.parseInt(process.versions.node, 10) < oldest) {
  const words = `This task needs Node ${oldest} or newer, and this agent runs it on Node ${process.versions.node}, since the operating system (or the job’s container) is too old for Node ${oldest}. Use one with glibc 2.28 or newer: Ubuntu 20.04, Debian 10, RHEL 8.`;
  process.stdout.write(
    `##vso[task.logissue type=error]${words}\n##vso[task.complete result=Failed]${words}\n`,
  );
} else {
  void Promise.all([import('../hosts/azure-pipelines.ts'), import('../step.ts')]).then(
    ([{ azurePipelines }, { runStep }]) => runStep(azurePipelines),
  );
}

export {};
