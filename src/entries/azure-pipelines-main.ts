/** An agent that has none of the task's own Nodes may run it on an older one, down to Node 16. */
const oldest = 20;

if (Number.parseInt(process.versions.node, 10) < oldest) {
  const words = `This task needs Node ${oldest} or newer, and this agent runs it on Node ${process.versions.node}. Update the agent: 3.232.1 is the first that brings Node ${oldest}.`;
  process.stdout.write(
    `##vso[task.logissue type=error]${words}\n##vso[task.complete result=Failed]${words}\n`,
  );
} else {
  void Promise.all([import('../hosts/azure-pipelines.ts'), import('../step.ts')]).then(
    ([{ azurePipelines }, { runStep }]) => runStep(azurePipelines),
  );
}

export {};
