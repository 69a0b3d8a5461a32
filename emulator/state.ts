import { randomUUID, X509Certificate } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CertificateAuthority,
  createCertificateAuthority,
  createRoot,
  createSigningCertificate,
  type IssuedCertificate,
} from './certificate-authority.ts';
import { createSigningKeys, ENTRA_SIGNER, type SigningKeys } from './signing-keys.ts';

/** What clients of the embedded Azure remember: the root certificate, Entra's key, the identity endpoint's header. */
export interface State {
  readonly authority: CertificateAuthority;
  /** The root certificate as a file. */
  readonly caFile: string;
  readonly entraKeys: SigningKeys;
  readonly identityHeader: string;
  /** Deletes the files, unless they are kept for the next start. */
  release(): Promise<void>;
}

interface Stored {
  readonly root: IssuedCertificate;
  readonly entra: IssuedCertificate;
  readonly identityHeader: string;
}

/** Stored certificates are replaced when they end within this time. */
const MINIMUM_LIFETIME = 7 * 86_400_000;

/** @param folder keeps the state from start to start. Default: a new state, which `release` deletes */
export async function openState(folder?: string): Promise<State> {
  if (folder === undefined) {
    const temporary = await mkdtemp(join(tmpdir(), 'embedded-azure-'));
    return {
      ...(await stateOf(await newState(), temporary)),
      release: () => rm(temporary, { recursive: true, force: true }),
    };
  }
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, 'state.json');
  const stored = (await readState(file)) ?? (await newState());
  await writeFile(file, `${JSON.stringify(stored, undefined, 2)}\n`, { mode: 0o600 });
  // The file can be older than this start, with other permissions.
  await chmod(file, 0o600);
  return { ...(await stateOf(stored, folder)), release: async () => {} };
}

async function newState(): Promise<Stored> {
  const [root, entra] = await Promise.all([createRoot(), createSigningCertificate(ENTRA_SIGNER)]);
  return { root, entra, identityHeader: randomUUID() };
}

/** The stored state, or `undefined` if there is none or if it ends soon. */
async function readState(file: string): Promise<Stored | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const stored = JSON.parse(text) as Stored;
    const ends = [stored.root, stored.entra].map(({ cert }) => Date.parse(new X509Certificate(cert).validTo));
    return Math.min(...ends) - Date.now() > MINIMUM_LIFETIME ? stored : undefined;
  } catch (error) {
    throw new Error(`${file} is not a state of the embedded Azure. Delete it, or choose another folder.`, {
      cause: error,
    });
  }
}

async function stateOf(stored: Stored, folder: string): Promise<Omit<State, 'release'>> {
  const authority = await createCertificateAuthority(stored.root);
  const caFile = join(folder, 'ca.pem');
  await writeFile(caFile, authority.pem);
  return {
    authority,
    caFile,
    entraKeys: await createSigningKeys(ENTRA_SIGNER, stored.entra),
    identityHeader: stored.identityHeader,
  };
}
