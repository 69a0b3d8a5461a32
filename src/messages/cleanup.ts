import type { EndpointEnd } from '../handover/endpoint-end.ts';
import {
  configDirectoryName,
  gitSettingsName,
  gitTokenName,
  tokenFileName,
} from '../handover/private-directory.ts';
import type { NotOurs, Removal } from '../handover/removal.ts';

const contentNames: Readonly<Record<string, string>> = {
  [tokenFileName]: 'the identity’s token',
  [configDirectoryName]: 'the Azure CLI’s session',
  [gitSettingsName]: 'the settings of git’s credential helper',
  [gitTokenName]: 'its last token',
};

const reasons: Readonly<Record<NotOurs, string>> = {
  name: 'its name is not one that this step creates',
  place: 'it is not directly in the job’s temporary folder',
  link: 'it is a link now',
  'not-a-directory': 'it is not a directory',
};

/** What the clean-up did, in one line. */
export function describeRemoval(removal: Removal): string {
  const { path } = removal;
  switch (removal.kind) {
    case 'removed': {
      const known = removal.contents.map((name) => contentNames[name]).filter((name) => name !== undefined);
      return `Removed ${path}${known.length > 0 ? ` with ${known.join(' and ')}` : ''}.`;
    }
    case 'absent':
      return `Nothing to remove: ${path} does not exist.`;
    case 'not-ours':
      return `Did not remove ${path}: ${reasons[removal.reason]}.`;
    case 'failed':
      return `Could not remove ${path}: ${removal.detail}. Remove it by hand. It may hold a token of the identity, which is valid for up to 24 hours.`;
  }
}

/** What became of the job's identity endpoint, in one line. */
export function describeEndpointEnd(end: EndpointEnd): string {
  switch (end.kind) {
    case 'ended':
      return `Ended the identity endpoint on ${end.address}. Its header is worth nothing any more.`;
    case 'absent':
      return 'Nothing to end: no identity endpoint of this step is running.';
    case 'silent':
      return `The identity endpoint on ${end.address} did not answer (${end.detail}). It ends by itself within two seconds, because its marker is removed.`;
    case 'failed':
      return `Could not end the identity endpoint on ${end.address}: ${end.detail}. Remove ${end.marker} by hand, and it ends.`;
  }
}

export const unknownRecords =
  'The clean-up cannot read what the step recorded, because another version of the step wrote it or a step of the job changed it. Remove the directories entra-app-token-… in the job’s temporary folder by hand.';
