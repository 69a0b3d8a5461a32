/**
 * An agent may run the task on a Node that is too old for it: https://github.com/microsoft/azure-pipelines-agent,
 * `NodeHandler.cs`. The bundles' first files are built for such a Node, so that they can print this message.
 */
export const oldest = 20;

export function nodeIsTooOld(): boolean {
  return Number.parseInt(process.versions.node, 10) < oldest;
}

/** Why an agent chose this Node, and how to fix it. One line. AGENT_USE_NODE24_WITH_HANDLER_DATA exists since 4.265.1. */
export function oldNodeMessage(): string {
  const version = process.versions.node;
  const major = Number.parseInt(version, 10);
  const start = `This task needs Node ${oldest} or later, but the agent runs it on Node ${version}.`;
  if (major === 10) {
    return `${start} Cause: The agent runs on Alpine Linux, or AGENT_USE_NODE10 is set. Fix: Unset AGENT_USE_NODE10, update the agent to 4.265.1 or later, and set AGENT_USE_NODE24_WITH_HANDLER_DATA=true for the agent.`;
  }
  return `${start} Cause: The operating system, or the job’s container, has a glibc older than 2.28, or the agent is too old. Fix: Use an operating system with glibc 2.28 or later (Ubuntu 20.04, Debian 10, RHEL 8), and update the agent.`;
}
