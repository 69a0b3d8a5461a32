/** The step's private directory: how it is named, and what lies in it. */

export const privatePrefix = 'entra-app-token-';
export const tokenFileName = 'federated-token';
export const configDirectoryName = 'azure-cli';

/** Whether `name` is one that the step gives to its private directories. */
export function isPrivateName(name: string): boolean {
  return name.startsWith(privatePrefix) && /^[0-9a-f]{32}$/u.test(name.slice(privatePrefix.length));
}
