import { describe, expect, test } from '@jest/globals';
import { AgentJob } from './harness/agent.ts';
import { RunnerJob } from './harness/runner.ts';
import { assertNoSecretLeaks } from './harness/secret-leaks.ts';
import { throwAwayAction, throwAwayTask } from './harness/throw-away.ts';

/** The leak check finds leaks, and accepts legitimate hand-overs. */

const payload = Buffer.from('{"sub":"11111111-1111-1111-1111-111111111111"}').toString('base64url');
const token = `eyJhbGciOiJSUzI1NiJ9.${payload}.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg`;

async function onGitHub(main: string, options: { debug?: boolean } = {}) {
  using action = throwAwayAction(main);
  const job = new RunnerJob({ actionDirectory: action.directory, node: process.execPath, ...options });
  const result = await job.step();
  job.close();
  return result;
}

async function onAzurePipelines(main: string, options: { debug?: boolean } = {}) {
  using task = throwAwayTask(main);
  const job = new AgentJob({ taskDirectory: task.directory, node: process.execPath, ...options });
  const result = await job.step();
  job.close();
  return result;
}

const append = (file: string, text: string) =>
  `(await import('node:fs')).appendFileSync(process.env.GITHUB_${file}, ${JSON.stringify(text)});`;
const print = (text: string) => `console.log(${JSON.stringify(text)});`;
const mask = print(`::add-mask::${token}`);
const setSecret = print(`##vso[task.setsecret]${token}`);

describe('GitHub', () => {
  const handedOver = { outputs: ['access-token'], variables: ['TOKEN'] };

  test('a mask and the named outputs and variables are legitimate', async () => {
    const result = await onGitHub(
      mask + append('OUTPUT', `access-token=${token}\n`) + append('ENV', `TOKEN<<E\n${token}\nE\n`),
    );
    expect(() => assertNoSecretLeaks(result, [token], handedOver)).not.toThrow();
    expect(() => assertNoSecretLeaks(result, [token])).toThrow(
      /GITHUB_OUTPUT \(access-token\)[\s\S]*GITHUB_ENV \(TOKEN\)/,
    );
  });

  test.each([
    ['in the log, even if masked there', mask + print(`Bearer ${token}`), 'in stdout'],
    ['in the log before its mask', print(token) + mask, 'in the displayed log'],
    ['in base64', mask + print(Buffer.from(`user:${token}`).toString('base64')), 'base64, shifted by 1'],
    ['percent-escaped', mask + print(`a/b+c=${encodeURIComponent('s=cret/value+x')}`), 'percent-escaped'],
    ['on stderr', `${mask}console.error(${JSON.stringify(token)});`, 'in stderr'],
    ['broken over lines', mask + print(token.slice(0, 40)) + print(token.slice(40)), 'line breaks removed'],
    ['by its signature alone', mask + print(token.split('.')[2] ?? ''), 'its signature'],
    ['by its payload alone', mask + print(payload), 'its payload'],
    ['in an error', mask + print(`::error::${token}`), 'in stdout'],
    ['in the state', mask + append('STATE', `a=${token}\n`), 'GITHUB_STATE'],
    ['in the summary', mask + append('STEP_SUMMARY', token), 'GITHUB_STEP_SUMMARY'],
    ['under another name', mask + append('OUTPUT', `other=${token}\n`), 'GITHUB_OUTPUT (other)'],
    ['in a malformed file', mask + append('ENV', `${token}\n`), 'GITHUB_ENV'],
    ['as a name', mask + append('OUTPUT', `${token}=1\n`), 'GITHUB_OUTPUT (name)'],
  ])('a leak %s is found', async (_, main, place) => {
    const result = await onGitHub(main);
    const check = () => assertNoSecretLeaks(result, [token, 's=cret/value+x'], handedOver);
    expect(check).toThrow(place);
    expect(check).not.toThrow(token);
  });
});

describe('Azure Pipelines', () => {
  const handedOver = { variables: ['accessToken'] };

  test('a mask and a named secret variable are legitimate', async () => {
    const result = await onAzurePipelines(
      setSecret + print(`##vso[task.setvariable variable=accessToken;issecret=true]${token}`),
    );
    expect(() => assertNoSecretLeaks(result, [token], handedOver)).not.toThrow();
    expect(() => assertNoSecretLeaks(result, [token])).toThrow('stdout (accessToken)');
  });

  test.each([
    ['in a plain variable', `##vso[task.setvariable variable=accessToken]${token}`],
    [
      'in an output variable',
      `##vso[task.setvariable variable=accessToken;issecret=true;isoutput=true]${token}`,
    ],
    ['in a task variable', `##vso[task.settaskvariable variable=a;issecret=true]${token}`],
    ['in a debug line', `##vso[task.debug]${token}`],
    ['in an issue', `##vso[task.logissue type=error]${token}`],
    ['in the result', `##vso[task.complete result=Failed]${token}`],
  ])('a leak %s is found', async (_, line) => {
    const result = await onAzurePipelines(setSecret + print(line));
    expect(() => assertNoSecretLeaks(result, [token], handedOver)).toThrow('in stdout');
  });
});

describe('with the debug switch', () => {
  const handedOver = { outputs: ['access-token'], variables: ['accessToken'] };

  test('GitHub: a masked output is no leak in the debug lines, and an unmasked one is', async () => {
    const output = append('OUTPUT', `access-token=${token}\n`);
    const masked = await onGitHub(mask + output, { debug: true });
    expect(masked.debugLines).toContain('Set output access-token = ***');
    expect(() => assertNoSecretLeaks(masked, [token], handedOver)).not.toThrow();
    const unmasked = await onGitHub(output, { debug: true });
    expect(() => assertNoSecretLeaks(unmasked, [token], handedOver)).toThrow('in a debug line');
  });

  test('Azure Pipelines: a secret variable is no leak in the debug lines, and a token before its mask is', async () => {
    const secret = print(`##vso[task.setvariable variable=accessToken;issecret=true]${token}`);
    const masked = await onAzurePipelines(setSecret + secret, { debug: true });
    expect(masked.debugLines.join('\n')).toContain('issecret=true]***');
    expect(() => assertNoSecretLeaks(masked, [token], handedOver)).not.toThrow();
    const early = await onAzurePipelines(print(`##vso[task.debug]${token}`) + setSecret, { debug: true });
    expect(() => assertNoSecretLeaks(early, [token], handedOver)).toThrow('in a debug line');
  });
});

test('a check for nothing, or for a value that can be found by chance, is an error', async () => {
  const result = await onGitHub('');
  expect(() => assertNoSecretLeaks(result, [])).toThrow('prove nothing');
  expect(() => assertNoSecretLeaks(result, ['abc'])).toThrow('by chance');
});
