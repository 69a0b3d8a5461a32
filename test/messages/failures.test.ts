import { describe, expect, test } from '@jest/globals';
import { ExchangeError } from '../../src/exchange/errors.ts';
import { HandoverError } from '../../src/handover/errors.ts';
import { HostSettingError } from '../../src/hosts/host.ts';
import { InputError, StepDeclined } from '../../src/inputs/errors.ts';
import { describeFailure } from '../../src/messages/failures.ts';
import { contextFor, labelledHosts } from './message-context.ts';

const [github, agent] = labelledHosts;
if (github === undefined || agent === undefined) throw new Error('no host');

const errorOf = (error: unknown, host = github, secrets: readonly string[] = []): string =>
  describeFailure(error, contextFor(host, { secrets })).error;

describe('an input', () => {
  test.each([
    [['client-id'], 'Input client-id: It is wrong. Use scopes.'],
    [['login', 'export'], 'Inputs login and export: It is wrong. Use scopes.'],
    [
      ['client-id', 'tenant-id', 'scopes'],
      'Inputs client-id, tenant-id and scopes: It is wrong. Use scopes.',
    ],
  ] as const)('%j', (inputs, expected) => {
    expect(errorOf(new InputError(inputs, 'It is wrong.', 'Use {input:scopes}.'))).toBe(expected);
  });

  test('on Azure Pipelines, names have no hyphens', () => {
    const error = new InputError(
      ['client-id', 'tenant-id'],
      'See {input:client-id}.',
      'Or {output:access-token}.',
    );
    expect(errorOf(error, agent)).toBe('Inputs clientId and tenantId: See clientId. Or accessToken.');
  });
});

describe('a step that declines to run', () => {
  test('for a fork', () => {
    expect(errorOf(new StepDeclined('fork', 'its head is octo/fork'), agent)).toBe(
      [
        'This run is for a pull request from a fork, or for one of unknown origin: its head is octo/fork.',
        'Cause: A fork’s code could send the app’s tokens anywhere. Nothing was requested or handed over.',
        'Fix: If you trust forks, set allowForkPullRequests to true. If an earlier step has checked where the code comes from, set it there.',
      ].join('\n'),
    );
  });

  test('without the verification of certificates', () => {
    expect(errorOf(new StepDeclined('tls-verification-off'))).toBe(
      [
        'NODE_TLS_REJECT_UNAUTHORIZED=0 turns off the verification of certificates.',
        'Cause: Anyone on the network path to Entra could read the identity’s token. Nothing was requested.',
        'Fix: Unset it. For a proxy or server with a certificate authority of its own, set NODE_EXTRA_CA_CERTS to the path of that authority’s certificate.',
      ].join('\n'),
    );
  });
});

test.each([
  ['https_proxy', 'https_proxy is no URL. Nothing was requested.\nFix: Correct it.'],
  ['the agent’s proxy', 'The agent’s proxy is no URL. Nothing was requested.\nFix: Correct it.'],
])('a setting of the host: %s', (setting, expected) => {
  expect(errorOf(new HostSettingError({ setting, problem: 'is no URL', fix: 'Correct it.' }))).toBe(expected);
});

test('a failed exchange and a failed handover have their own messages', () => {
  const exchange = new ExchangeError({
    kind: 'metadata-override',
    value: 'http://192.0.2.1',
  } as ConstructorParameters<typeof ExchangeError>[0]);
  expect(errorOf(exchange)).toBe(
    [
      'AZURE_POD_IDENTITY_AUTHORITY_HOST replaces the address of the metadata service with http://192.0.2.1. Nothing was requested.',
      'Cause: Only a loopback address is accepted, for tests. With any other address, the job’s environment could choose a server that issues false identities.',
      'Fix: Unset AZURE_POD_IDENTITY_AUTHORITY_HOST.',
    ].join('\n'),
  );
  const handover = new HandoverError({ kind: 'no-temporary-folder', path: '' });
  expect(errorOf(handover)).toMatch(/^The job’s temporary folder is not known\. Nothing was requested\./u);
});

describe('an error that nobody expected', () => {
  const fix = 'Fix: Run the job again with debug logging on, and report this message with the debug lines.';

  test.each([
    ['an error', new TypeError('x is not a function'), 'x is not a function'],
    ['a text', 'text', 'text'],
    ['nothing', undefined, 'undefined'],
  ])('%s', (_, error, words) => {
    expect(errorOf(error)).toBe(`The step failed unexpectedly: ${words}\n${fix}`);
  });

  test('hides secrets, and is cut at 500 characters', () => {
    expect(errorOf(new Error('it has hush-hush in it'), github, ['hush-hush'])).toBe(
      `The step failed unexpectedly: it has *** in it\n${fix}`,
    );
    expect(errorOf(new Error('x '.repeat(300)))).toBe(
      `The step failed unexpectedly: ${'x '.repeat(250).slice(0, 499)}…\n${fix}`,
    );
  });
});
