import {
  type Cloud,
  cloudNames,
  cloudOfAuthorityHost,
  clouds,
  cloudsWithoutPreset,
  findCloud,
} from '../azure/clouds.ts';
import { isGuid } from '../exchange/claims.ts';
import { InputError, isHarmless, showValue } from './errors.ts';

/**
 * An application ID URI. It goes to the identity endpoint, so a secret in this input must not pass: there is no user or
 * password in it, and no query. https://learn.microsoft.com/entra/identity-platform/identifier-uri-restrictions
 */
const audiencePattern = /^(?:(?:api|https?|ms-appx|spn):\/\/|urn:)[a-z0-9._~:/-]{1,250}$/iu;

/** Where to sign in, and what follows from that. */
export interface Authority {
  readonly cloud: Cloud;
  /** Origin, https, no trailing slash. */
  readonly host: string;
  readonly audience: string;
  /** The host is not one of the cloud's own. */
  readonly foreignToCloud: boolean;
  /** The host's cloud, if `cloud` cannot name it. */
  readonly cloudWithoutPreset?: string;
}

/** @throws InputError for an unknown cloud, or a sign-in host that is not an https origin */
export function readAuthority(cloudText: string, hostText: string, audienceText: string): Authority {
  const cloud = cloudText === '' ? clouds.public : findCloud(cloudText);
  if (cloud === undefined) {
    throw new InputError(
      'cloud',
      `${showValue(cloudText)} is not a known cloud.`,
      `Use one of ${cloudNames.join(', ')}, or the Azure CLI’s names ${Object.values(clouds)
        .map((known) => known.azureCli)
        .join(', ')}. For any other cloud, set {input:authority-host} and use full scopes.`,
    );
  }
  if (/\s/u.test(audienceText)) {
    throw new InputError(
      'audience',
      `${showValue(audienceText)} contains white space.`,
      `Use one audience, such as ${cloud.audience}.`,
    );
  }
  if (audienceText !== '' && !isGuid(audienceText) && !audiencePattern.test(audienceText)) {
    throw new InputError(
      'audience',
      `${showValue(audienceText)} is neither an application ID URI nor a GUID.`,
      `Use one audience, such as ${cloud.audience}.`,
    );
  }
  const host = hostText === '' ? cloud.authorityHost : origin(hostText);
  const owner = cloudOfAuthorityHost(host);
  const knownAudience =
    owner?.kind === 'preset'
      ? owner.cloud.audience
      : owner?.kind === 'without-preset'
        ? owner.audience
        : cloud.audience;
  return {
    cloud,
    host,
    audience: audienceText === '' ? knownAudience : audienceText,
    foreignToCloud: !(owner?.kind === 'preset' && owner.cloud === cloud),
    ...(owner?.kind === 'without-preset' && { cloudWithoutPreset: owner.title }),
  };
}

/** Whether messages and commands may show this audience: a known one, or one that cannot be a secret in the wrong input. */
export function isShownAudience(audience: string): boolean {
  return (
    [...Object.values(clouds), ...cloudsWithoutPreset].some((known) => known.audience === audience) ||
    isHarmless(audience)
  );
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
  throw new InputError(
    'authority-host',
    `${showValue(text)} is not an https address without a path.`,
    'Use only the sign-in address, such as https://login.microsoftonline.us. The tenant belongs in {input:tenant-id}.',
  );
}
