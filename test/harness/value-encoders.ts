/**
 * The encoded forms in which each host also hides a secret. An encoder that returns the empty string adds nothing.
 *
 * Sources: actions/runner `Sdk/DTLogging/Logging/ValueEncoders.cs`, registered in `Runner.Common/HostContext.cs`;
 * azure-pipelines-agent `Microsoft.VisualStudio.Services.Agent/HostContext.cs`.
 */
export type ValueEncoder = (value: string) => string;

const base64 =
  (skippedBytes: number): ValueEncoder =>
  (value) => {
    const bytes = Buffer.from(value, 'utf8');
    return bytes.subarray(bytes.length > skippedBytes ? skippedBytes : 0).toString('base64');
  };

/** Newtonsoft's JSON string without its quotes; it escapes these three line separators, and JavaScript does not. */
const jsonString: ValueEncoder = (value) =>
  JSON.stringify(value)
    .slice(1, -1)
    .replace(
      /[\u0085\u2028\u2029]/g,
      (separator) => `\\u${separator.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );

/** .NET's `Uri.EscapeDataString` escapes five characters that `encodeURIComponent` keeps. */
const uriData: ValueEncoder = (value) =>
  encodeURIComponent(Buffer.from(value, 'utf8').toString('utf8')).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );

const xmlNames: Readonly<Record<string, string>> = {
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  '&': '&amp;',
};
const xmlData: ValueEncoder = (value) =>
  value.replace(/[<>"'&]/g, (character) => xmlNames[character] ?? character);

const withoutDoubleQuotes: ValueEncoder = (value) =>
  value.length > 8 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : '';

/** PowerShell colors the parts of an error separately, split at an ampersand. Parts of fewer than six characters stay visible. */
const upToAmpersand: ValueEncoder = (value) => {
  if (!value.includes('&')) return '';
  const end = value.includes('&+') ? value.indexOf('&+') + 2 : value.lastIndexOf('&') + 1;
  return end >= 6 ? value.slice(0, end) : '';
};
const fromAmpersand: ValueEncoder = (value) => {
  if (!value.includes('&')) return '';
  const rest = value.includes('&+')
    ? value.slice(value.indexOf('&+') + 3)
    : value.slice(value.lastIndexOf('&') + 1);
  return rest.length >= 6 ? rest : '';
};

const backslash: ValueEncoder = (value) =>
  value.replaceAll('\\\\', '\\').replaceAll("\\'", "'").replaceAll('\\"', '"').replaceAll('\\t', '\t');

export const runnerEncoders: readonly ValueEncoder[] = [
  base64(0),
  base64(1),
  base64(2),
  (value) => value.replaceAll('"', '\\"'),
  (value) => value.replaceAll("'", "''"),
  jsonString,
  uriData,
  xmlData,
  withoutDoubleQuotes,
  upToAmpersand,
  fromAmpersand,
];

/** The agent encodes no base64, unlike GitHub's runner. */
export const agentEncoders: readonly ValueEncoder[] = [jsonString, uriData, backslash];

/**
 * Passwords in addresses such as `http://user:password@host`, which the agent masks by itself.
 * Source: azure-pipelines-agent `AdditionalMaskingRegexes.cs`, registered in `HostContext.cs`.
 */
export const agentPatterns: readonly RegExp[] = [
  /(?<=\/\/[^:/?#\n]+:)(?:[\p{L}\p{Mn}\p{Nd}\p{Pc}.~-]|(?:%|%AZP25)[0-9a-fA-F]{2}|[!$&'()*+,;=]|:)+(?=@)/gu,
];
