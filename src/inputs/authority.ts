import { type Cloud, cloudNamed, cloudNames, cloudOfAuthority, clouds } from '../azure/clouds.ts';
import { InputProblem, quoted } from './problem.ts';

/** Where to sign in, and what that decides. */
export interface Authority {
  readonly cloud: Cloud;
  /** Origin, https, no trailing slash. */
  readonly host: string;
  readonly audience: string;
  /** The host is not one of the cloud's own. */
  readonly foreignToCloud: boolean;
  /** The host's cloud, when `cloud` cannot name it. */
  readonly unnamedCloud?: string;
}

/** @throws InputProblem for an unknown cloud, or a sign-in host that is no https origin */
export function readAuthority(cloudText: string, hostText: string, audienceText: string): Authority {
  const cloud = cloudText === '' ? clouds.public : cloudNamed(cloudText);
  if (cloud === undefined) {
    throw new InputProblem(
      'cloud',
      `${quoted(cloudText)} is not a known cloud.`,
      `Known are: ${cloudNames.join(', ')}, and the Azure CLI’s names ${Object.values(clouds)
        .map((known) => known.azureCli)
        .join(', ')}. For any other set authority-host and give full scopes.`,
    );
  }
  if (/\s/u.test(audienceText)) {
    throw new InputProblem(
      'audience',
      `${quoted(audienceText)} has white space in it.`,
      `Give one audience, such as ${cloud.audience}.`,
    );
  }
  const host = hostText === '' ? cloud.authorityHost : origin(hostText);
  const owner = cloudOfAuthority(host);
  const knownAudience =
    owner?.kind === 'named'
      ? owner.cloud.audience
      : owner?.kind === 'unnamed'
        ? owner.audience
        : cloud.audience;
  return {
    cloud,
    host,
    audience: audienceText === '' ? knownAudience : audienceText,
    foreignToCloud: !(owner?.kind === 'named' && owner.cloud === cloud),
    ...(owner?.kind === 'unnamed' && { unnamedCloud: owner.title }),
  };
}

function origin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain =
    url?.pathname === '/' &&
    url.search === '' &&
    url.hash === '' &&
    url.username === '' &&
    url.password === '';
  if (url?.protocol === 'https:' && plain) return url.origin;
  throw new InputProblem(
    'authority-host',
    `${quoted(text)} is not an https address without a path.`,
    'Give the sign-in address alone, such as https://login.microsoftonline.us; the tenant goes into tenant-id.',
  );
}
