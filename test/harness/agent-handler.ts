import type { TaskHandlers } from './task-manifest.ts';

/**
 * Which Node the agent starts a task with. Source: azure-pipelines-agent `Handlers/NodeHandler.cs`
 * (`GetNodeLocationLegacy`, `GetNodeFolderWithFallback`), `TaskManager.cs` (`Priority`). The newer selection behind
 * `AGENT_USE_ENHANCED_NODE_SELECTION` is off by default and not played.
 */

/** The machine that the agent runs on. */
export interface AgentMachine {
  /** Agents before 4.265 do not know the handler Node24. */
  readonly version: string;
  /** glibc older than 2.28, which neither Node 20 nor Node 24 starts on. */
  readonly oldGlibc: boolean;
  readonly alpine: boolean;
  /** Agent packages without the end-of-life versions have no Node 16 to fall back to. */
  readonly hasNode16: boolean;
}

/** Set by a variable of the job, or by the agent's environment. Source: `AgentKnobs.cs`. */
export const handlerKnobs = [
  'AGENT_USE_NODE10',
  'AGENT_USE_NODE20_1',
  'AGENT_USE_NODE24',
  'AGENT_USE_NODE24_WITH_HANDLER_DATA',
  'AGENT_USE_NODE20_IN_UNSUPPORTED_SYSTEM',
  'AGENT_USE_NODE24_IN_UNSUPPORTED_SYSTEM',
] as const;
export type HandlerKnob = (typeof handlerKnobs)[number];

export interface SelectedNode {
  /** The name in `task.json`. */
  readonly handler: string;
  readonly target: string;
  readonly major: number;
  /** The machine can run this Node. If not, the dynamic loader's own message is all that a user sees. */
  readonly starts: boolean;
  readonly warnings: readonly string[];
}

/** Newest first, and the Node that each asks for. */
const handlers = [
  ['Node24', 24],
  ['Node20_1', 20],
  ['Node16', 16],
  ['Node10', 10],
  ['Node', 6],
] as const;

const firstVersionWithNode24 = 265;

/** @throws with the agent's words when the task has no handler that this agent knows. */
export function selectNode(
  execution: TaskHandlers | undefined,
  machine: AgentMachine,
  knobs: ReadonlySet<HandlerKnob>,
): SelectedNode {
  const known = handlers.filter(
    ([name]) => name !== 'Node24' || minorOf(machine.version) >= firstVersionWithNode24,
  );
  const [handler, wanted] = known.find(([name]) => execution?.[name] !== undefined) ?? [];
  const target = handler === undefined ? undefined : execution?.[handler]?.target;
  if (handler === undefined || wanted === undefined || target === undefined) {
    throw new Error('A supported task execution handler was not found.');
  }
  const { major, warnings } = nodeFor(wanted, machine, knobs);
  return { handler, target, major, warnings, starts: !(machine.oldGlibc && major >= 20) };
}

interface Choice {
  readonly major: number;
  readonly warnings: readonly string[];
}

function nodeFor(wanted: number, machine: AgentMachine, knobs: ReadonlySet<HandlerKnob>): Choice {
  if (knobs.has('AGENT_USE_NODE24')) return withFallback(24, machine, knobs);
  if (knobs.has('AGENT_USE_NODE20_1')) return withFallback(20, machine, knobs);
  if (knobs.has('AGENT_USE_NODE10')) return { major: 10, warnings: [] };
  if (wanted === 24 && knobs.has('AGENT_USE_NODE24_WITH_HANDLER_DATA'))
    return withFallback(24, machine, knobs);
  // No case of the agent's selection fits Node24 without the knob: it gets the default, which is not checked.
  if (wanted === 24) return { major: machine.alpine ? 10 : 20, warnings: [] };
  if (wanted === 20) return withFallback(20, machine, knobs);
  return { major: wanted, warnings: [] };
}

function withFallback(wanted: 24 | 20, machine: AgentMachine, knobs: ReadonlySet<HandlerKnob>): Choice {
  const fails = (major: 24 | 20) =>
    machine.oldGlibc && !knobs.has(`AGENT_USE_NODE${major}_IN_UNSUPPORTED_SYSTEM`);
  if (!fails(wanted)) return { major: wanted, warnings: [] };
  if (fails(20) && machine.hasNode16) return { major: 16, warnings: [fallbackWarning(wanted, 16)] };
  // Without Node 16 the agent stays on Node 20, which does not start either.
  return { major: 20, warnings: wanted === 24 ? [fallbackWarning(24, 20)] : [] };
}

function fallbackWarning(from: number, to: number): string {
  return `The agent operating system doesn't support Node${from}. Using Node${to} instead. Please upgrade the operating system of the agent to remain compatible with future updates of tasks: https://github.com/nodesource/distributions`;
}

function minorOf(version: string): number {
  return Number(version.split('.')[1] ?? 0);
}

/** A program in place of a Node that the machine's glibc is too old for. It says what the dynamic loader says. */
export function unstartableNode(path: string): string {
  return `#!/bin/sh
echo "${path}: /lib/x86_64-linux-gnu/libc.so.6: version \\\`GLIBC_2.28' not found (required by ${path})" >&2
exit 1
`;
}
