import { ContainerClient } from '@azure/storage-blob';
import { type Container, clientOptions, fillContainer } from '../emulator/blobs.ts';

export { type Container, fillContainer };

/** The names of the blobs, read with only the token. */
export async function listBlobs(container: Container, token: string): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const blob of withToken(container, token).listBlobsFlat()) names.push(blob.name);
  return names;
}

/**
 * Tries a token with another audience, and returns how the service rejects it.
 *
 * @throws when the service accepts the token
 */
export async function rejectToken(container: Container, token: string): Promise<string> {
  try {
    await listBlobs(container, token);
  } catch (error) {
    const { statusCode, code } = error as { statusCode?: number; code?: string };
    if (statusCode !== undefined) return `rejected with ${statusCode} ${code ?? ''}`.trim();
    throw error;
  }
  throw new Error('The storage service accepted a token with another audience.');
}

function withToken({ url, ca }: Container, token: string): ContainerClient {
  const credential = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 60_000 }) };
  return new ContainerClient(url, credential, clientOptions(ca));
}
