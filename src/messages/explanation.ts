import type { InputName, OutputName } from '../contract.ts';
import type { ProcessFacts } from '../inputs/environment.ts';
import type { StepRequest } from '../inputs/read.ts';

/** What is known of a run when a message about it is written. */
export interface MessageContext {
  /** How the host writes the name of an input or output. */
  readonly inputLabel: (name: InputName | OutputName) => string;
  /** What an input is called here: `Input` unless given. */
  readonly inputNoun?: string;
  /** The option that shows debug lines, if that is not a setting of the host. */
  readonly debugSwitch?: string;
  readonly request?: StepRequest;
  readonly facts?: ProcessFacts;
  /** Every secret seen so far, to be hidden in text from outside. */
  readonly secrets: ReadonlySet<string>;
}

/** A failure in its parts, from which the two texts that a user sees are made. */
export interface Explanation {
  /** What failed, in one sentence. */
  readonly what: string;
  /** The server's or tool's own short code: `AADSTS700213`, `HTTP 503`. */
  readonly code?: string;
  /** The server's or tool's own words. */
  readonly said?: readonly string[];
  readonly cause?: string;
  readonly fix?: string;
  /** Commands that belong to the fix. */
  readonly commands?: readonly string[];
  /** Facts that help to find the cause. */
  readonly facts?: readonly string[];
}

export interface FailureText {
  /** The step's one error. It is short enough for what the hosts show first, and helps by itself. */
  readonly error: string;
  /** Everything, for the log before the error; nothing if the error already says it. */
  readonly diagnosis?: string;
}

/** The agent's live console cuts an entry at 1,024 characters, with its prefix (`JobServerQueue.cs`). */
const longestError = 999;

const longestFirst = 400;

const pointer = 'The full diagnosis is in the log above.';
const commandPointer = 'The command and the full diagnosis are in the log above.';

export function textOf(explanation: Explanation): FailureText {
  const { what, code, said = [], cause, fix, commands = [], facts = [] } = explanation;
  const causeAndFix = [
    ...(cause === undefined ? [] : [`Cause: ${cause}`]),
    ...(fix === undefined ? [] : [`Fix: ${fix}`]),
  ];
  const everything = [what, ...said, ...causeAndFix, ...facts, ...commands].join('\n');
  if (everything.length <= longestError) return { error: everything };

  const whole = code === undefined ? what : `${what.replace(/\.$/u, '')}: ${code}.`;
  // A very long scope must not push cause and fix out.
  const first = whole.length <= longestFirst ? whole : `${whole.slice(0, longestFirst - 1)}…`;
  const withCommands = [first, ...causeAndFix, ...commands, pointer].join('\n');
  if (withCommands.length <= longestError) return { error: withCommands, diagnosis: everything };
  const last = commands.length > 0 ? commandPointer : pointer;
  const short = [first, ...causeAndFix].join('\n').replaceAll('command below', 'command in the log');
  const room = longestError - last.length - 1;
  const cut = short.length <= room ? short : `${short.slice(0, room - 1)}…`;
  return { error: `${cut}\n${last}`, diagnosis: everything };
}
