import { clientIds, displayNames } from './default-world.ts';
import type { RecordedRequest } from './request-log.ts';

const appNames = new Map<string, string>(
  Object.entries(clientIds).map(([name, id]) => [id, displayNames[name as keyof typeof clientIds]]),
);

/** One line for `--log`: when, which service, what, the answer and how long it took. Never a token. */
export function requestLine(request: RecordedRequest, now = Date.now()): string {
  const { leg, time, method, host, path, status, errorCode } = request;
  const answer = [
    status === undefined ? 'no answer' : String(status),
    ...(errorCode === undefined ? [] : [`AADSTS${errorCode}`]),
  ].join(' ');
  const line = [
    new Date(time).toISOString().slice(11, 23),
    leg.padEnd(8),
    method,
    leg === 'proxy' ? `${host}${path}` : path,
    ...detailsOf(request),
    `→ ${answer}`,
    `(${now - time} ms)`,
  ].join(' ');
  // The request is foreign text: nothing of it may control the terminal.
  return line.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/gu, '?');
}

/** The parameters that say what was asked for. None of them is a secret. */
const SHOWN = [
  'client_id',
  'object_id',
  'msi_res_id',
  'mi_res_id',
  'principal_id',
  'resource',
  'scope',
  'fmi_path',
];

function detailsOf({ leg, query, form }: RecordedRequest): readonly string[] {
  if (leg !== 'entra' && leg !== 'imds' && leg !== 'identity-endpoint') return [];
  return SHOWN.flatMap((name) => {
    const value = form.get(name) ?? query.get(name);
    if (value === null) return [];
    return [`${name}=${(name === 'client_id' ? appNames.get(value) : undefined) ?? value.slice(0, 200)}`];
  });
}
