import type { Refused, Removal } from '../handover/clean-up.ts';
import { configDirectoryName, tokenFileName } from '../handover/layout.ts';

const contentWords: Readonly<Record<string, string>> = {
  [tokenFileName]: 'the identity’s token',
  [configDirectoryName]: 'the Azure CLI’s session',
};

const refusedWords: Readonly<Record<Refused, string>> = {
  name: 'it is not named as this step names its directories',
  place: 'it does not lie directly in the job’s temporary folder',
  link: 'it is a link now',
  'no-directory': 'it is no directory',
};

/** What the clean-up did, in one line. */
export function describeRemoval(removal: Removal): string {
  const { path } = removal;
  switch (removal.kind) {
    case 'removed': {
      const known = removal.contents.map((name) => contentWords[name]).filter((words) => words !== undefined);
      return `Removed ${path}${known.length > 0 ? ` with ${known.join(' and ')}` : ''}.`;
    }
    case 'gone':
      return `${path} is gone already; there is nothing left to remove.`;
    case 'refused':
      return `${path} was left as it is: ${refusedWords[removal.reason]}.`;
    case 'failed':
      return `${path} could not be removed: ${removal.detail}. Remove it by hand: it may hold a token of the identity, good for up to 24 hours.`;
  }
}
