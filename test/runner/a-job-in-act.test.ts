import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { clientIds, identities, tenantIds } from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { type Run, runWorkflow, type Workflow } from './act.ts';

let azure: Emulator;
let files: string;
beforeAll(async () => {
  azure = await startEmulator();
  files = mkdtempSync(join(tmpdir(), 'repository-'));
  // An action that prints the names in the job's temporary folder at its own clean-up.
  const folder = join(files, 'list-temp');
  mkdirSync(folder);
  writeFileSync(
    join(folder, 'action.yml'),
    JSON.stringify({
      name: 'List',
      description: 'Lists.',
      runs: { using: 'node24', main: 'main.js', post: 'post.js' },
    }),
  );
  writeFileSync(join(folder, 'main.js'), '');
  writeFileSync(
    join(folder, 'post.js'),
    "console.log('Left:', require('node:fs').readdirSync(process.env.RUNNER_TEMP).filter((name) => name.startsWith('entra-')));",
  );
});
afterAll(async () => {
  rmSync(files, { recursive: true });
  await azure.stop();
});

/** Runs a workflow; its steps are given as YAML flow or block items at the indentation of a list. */
function run(workflow: string, more: Partial<Workflow> = {}): Promise<Run> {
  azure.clearRequests();
  const variables = {
    CLIENT_ID: clientIds.deployer,
    TENANT_ID: tenantIds.contoso,
    IDENTITY_CLIENT_ID: identities.runner.clientId,
    DISABLED_CLIENT_ID: clientIds.disabled,
  };
  return runWorkflow({ text: workflow, files, variables, environment: azure.environment(), ...more });
}

const printedBy = ({ steps }: Run, part: string): string =>
  steps
    .filter(({ name }) => name.includes(part))
    .map(({ printed }) => printed)
    .join('');

test('tokens reach later steps as outputs and variables, and the log shows none', async () => {
  const result = await run(`
name: Tokens
on: workflow_dispatch
jobs:
  first:
    runs-on: self-hosted
    outputs:
      expires: \${{ steps.app.outputs.expires-on }}
    steps:
      - uses: <owner>/entra-app-token@v0
        id: app
        with:
          client-id: \${{ vars.CLIENT_ID }}
          tenant-id: \${{ vars.TENANT_ID }}
          managed-identity-client-id: \${{ vars.IDENTITY_CLIENT_ID }}
          scopes: |
            ARM_TOKEN = arm
            graph
      - name: Read claims
        run: |
          for token in "$ARM_TOKEN" "$FIRST" "$GRAPH"; do
            TOKEN=$token node -p 'const { aud, appid } = JSON.parse(Buffer.from(process.env.TOKEN.split(".")[1], "base64url")); [aud, appid].join(" ")'
          done
        env:
          FIRST: \${{ steps.app.outputs.access-token }}
          GRAPH: \${{ fromJSON(steps.app.outputs.access-tokens).graph }}
      - name: Print tokens
        run: |
          echo "as a variable: $ARM_TOKEN"
          echo "as an output: \${{ steps.app.outputs.access-token }}"
          echo '\${{ steps.app.outputs.access-tokens }}'
          echo "Authorization: Bearer $ARM_TOKEN" >&2
  second:
    needs: first
    runs-on: self-hosted
    steps:
      - name: Print expiry
        run: echo "until \${{ needs.first.outputs.expires }}"
`);
  expect(result.jobs).toEqual({ 'Tokens/first': 'success', 'Tokens/second': 'success' });
  expect(printedBy(result, 'Read claims').trim().split('\n')).toEqual([
    `https://management.azure.com ${clientIds.deployer}`,
    `https://management.azure.com ${clientIds.deployer}`,
    `https://graph.microsoft.com ${clientIds.deployer}`,
  ]);
  expect(printedBy(result, 'Print tokens').trim().split('\n').sort()).toEqual([
    'Authorization: Bearer ***',
    'as a variable: ***',
    'as an output: ***',
    // GitHub's runner masks all of it, act the tokens in it.
    '{"ARM_TOKEN":"***","graph":"***"}',
  ]);
  expect(printedBy(result, 'Print expiry')).toMatch(/^until \d{4}-\d\d-\d\dT[\d:]+Z$/mu);
  const assertion = azure.requests.at(-1)?.form.get('client_assertion') ?? '';
  expect(assertion).toMatch(/^eyJ/u);
  expect(result.log).not.toContain(assertion);
  expect(result.log).not.toMatch(/eyJ[\w-]+\.eyJ/u);
});

test('post removes what export wrote, also when a later step fails', async () => {
  const result = await run(`
name: Export
on: workflow_dispatch
jobs:
  job:
    runs-on: self-hosted
    steps:
      - uses: actions/checkout@v5
      - uses: ./list-temp
      - uses: <owner>/entra-app-token@v0
        with:
          client-id: \${{ vars.CLIENT_ID }}
          tenant-id: \${{ vars.TENANT_ID }}
          managed-identity-client-id: \${{ vars.IDENTITY_CLIENT_ID }}
          export: azure-sdk
      - name: Look
        run: stat --format '%a %n' "$(dirname "$AZURE_FEDERATED_TOKEN_FILE")" "$AZURE_FEDERATED_TOKEN_FILE"
      - name: Fail
        run: exit 3
`);
  expect(result.jobs).toEqual({ 'Export/job': 'failure' });
  const [, directory = ''] =
    /^700 (\S+\/entra-app-token-[0-9a-f]{32})$/mu.exec(printedBy(result, 'Look')) ?? [];
  expect(printedBy(result, 'Look')).toBe(`700 ${directory}\n600 ${directory}/federated-token\n`);
  expect(printedBy(result, 'entra-app-token')).toContain(`Removed ${directory}`);
  expect(printedBy(result, 'list-temp')).toBe('Left: []\n');
});

test('a refusal of Entra fails the step with its code, and the job goes on as it says', async () => {
  const result = await run(`
name: Failure
on: workflow_dispatch
jobs:
  job:
    runs-on: self-hosted
    steps:
      - uses: <owner>/entra-app-token@v0
        id: app
        with:
          client-id: \${{ vars.DISABLED_CLIENT_ID }}
          tenant-id: \${{ vars.TENANT_ID }}
          managed-identity-client-id: \${{ vars.IDENTITY_CLIENT_ID }}
      - name: Not run
        run: echo ran
      - name: On failure
        if: failure()
        run: echo "[\${{ steps.app.outputs.access-token }}]"
`);
  expect(result.jobs).toEqual({ 'Failure/job': 'failure' });
  expect(result.log).toMatch(/::error::.*AADSTS7000112/su);
  expect(printedBy(result, 'Not run')).toBe('');
  expect(printedBy(result, 'On failure')).toBe('[]\n');
});

test('a pull request from a fork gets nothing, and nothing is asked for', async () => {
  const workflow = `
name: Fork
on: pull_request
jobs:
  job:
    runs-on: self-hosted
    steps:
      - uses: <owner>/entra-app-token@v0
        with:
          client-id: \${{ vars.CLIENT_ID }}
          tenant-id: \${{ vars.TENANT_ID }}
          managed-identity-client-id: \${{ vars.IDENTITY_CLIENT_ID }}
`;
  const pullRequestFrom = (full_name: string) => ({
    name: 'pull_request',
    payload: {
      pull_request: {
        head: { ref: 'change', sha: 'ffac537e6cbbf934b08745a378932722df287a53', repo: { full_name } },
        base: {
          ref: 'main',
          sha: 'ffac537e6cbbf934b08745a378932722df287a53',
          repo: { full_name: 'contoso/repository' },
        },
      },
      repository: { full_name: 'contoso/repository' },
    },
  });
  const foreign = await run(workflow, { event: pullRequestFrom('somebody/repository') });
  expect(foreign.jobs).toEqual({ 'Fork/job': 'failure' });
  expect(foreign.log).toMatch(/::error::.*fork/su);
  expect(azure.requests).toEqual([]);

  const own = await run(workflow, { event: pullRequestFrom('contoso/repository') });
  expect(own.jobs).toEqual({ 'Fork/job': 'success' });
});
