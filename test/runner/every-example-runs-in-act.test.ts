import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { fillContainer } from '../../demo/blobs.ts';
import { type RunningAzurite, startAzurite } from '../../emulator/azurite.ts';
import {
  agentIdentityIds,
  clientIds,
  identities,
  subscriptionIds,
  tenantIds,
} from '../../emulator/default-world.ts';
import { type Emulator, startEmulator } from '../../emulator/emulator.ts';
import { exampleNames } from '../clients/example-jobs.ts';
import { azureCli } from '../clients/installed.ts';
import { type ProjectedToken, projectedToken } from '../scenarios/pods.ts';
import { runWorkflow } from './act.ts';

interface Example {
  /** What the log shows. */
  readonly shows: readonly RegExp[];
  /** The programs of the last steps that cannot run here, and why. A stand-in prints the variables it finds. */
  readonly standIn?: { readonly programs: readonly string[]; readonly why: string };
  /** What the clean-up removes; without it nothing was written. */
  readonly removes?: RegExp;
  /** It runs in a pod, with the pod's own token. */
  readonly inPod?: true;
}

const theToken = /Removed \S+ with the identity’s token/u;
const terraformVariables = [
  /^ARM_USE_OIDC=true$/mu,
  /^ARM_OIDC_TOKEN_FILE_PATH=\/\S+$/mu,
  new RegExp(`^ARM_SUBSCRIPTION_ID=${subscriptionIds.contosoProduction}$`, 'mu'),
];

/** Every example, as its `github.yml` stands. */
const examples: Readonly<Record<string, Example>> = {
  'agent-identity': {
    shows: [/^runners +westeurope/mu, new RegExp(clientIds.deployer, 'u')],
    removes: /Removed \S+ with/u,
  },
  'aks-runner-pods': { shows: [/"Contoso production"/u], inPod: true },
  'azure-artifacts': {
    shows: [/^FEED_TOKEN=\*\*\*$/mu],
    standIn: {
      programs: ['npm', 'python3', 'uv', 'mvn', 'dotnet'],
      why: 'test/clients/feeds.test.ts runs them',
    },
  },
  'azure-cli': { shows: [/^runners +westeurope/mu, /^2026\.csv /mu], removes: /Removed \S+ with/u },
  'azure-sdk-javascript': { shows: [/^2026\.csv$/mu], removes: theToken },
  'azure-sdk-python': { shows: [/^2026\.csv$/mu], removes: theToken },
  'container-apps-job': { shows: [/"Contoso production"/u] },
  'container-registry': {
    shows: [/^ACR_PASSWORD=\*\*\*$/mu],
    standIn: { programs: ['helm'], why: 'this machine has no container registry' },
  },
  'cross-tenant': { shows: [/"Fabrikam"/u] },
  opentofu: {
    shows: terraformVariables,
    standIn: { programs: ['tofu'], why: 'its providers come from a registry of their own' },
    removes: theToken,
  },
  powershell: {
    shows: [new RegExp(`^AZURE_CLIENT_ID=${clientIds.multitenant}$`, 'mu'), /^GRAPH_TOKEN=\*\*\*$/mu],
    standIn: { programs: ['pwsh'], why: 'Azure PowerShell comes from a gallery of its own' },
    removes: theToken,
  },
  'python-graph': { shows: [new RegExp(`^${clientIds.deployer} deployer$`, 'mu')] },
  'several-apps': { shows: [/"Contoso production"/u, /"Contoso test"/u] },
  terraform: {
    shows: terraformVariables,
    standIn: { programs: ['terraform'], why: 'its providers come from a registry of their own' },
    removes: theToken,
  },
};

/** As `python3 -m venv FOLDER` it puts itself into the folder. */
const standInText = `#!/bin/sh
env | grep -E '^(ACR|ARM|AZURE|FEED|GRAPH)_' | sort
if [ "$2" = venv ]; then
  mkdir -p "$3/bin"
  for name in pip python twine; do cp "$0" "$3/bin/$name"; done
fi
`;

const account = 'devstoreaccount1';
let azure: Emulator;
let azurite: RunningAzurite;
let standIns: string;
let pod: ProjectedToken;
beforeAll(async () => {
  azure = await startEmulator();
  pod = await projectedToken(azure);
  azurite = await startAzurite(azure.ca.issue);
  await fillContainer({ url: `${azurite.blobUrl}/reports`, ca: azure.ca.pem }, ['2026.csv']);
  azure.proxy.map(`${account}.blob.core.windows.net`, azurite.port);
  standIns = mkdtempSync(join(tmpdir(), 'stand-ins-'));
  for (const [name, { standIn }] of Object.entries(examples)) {
    mkdirSync(join(standIns, name));
    for (const program of standIn?.programs ?? []) {
      const path = join(standIns, name, program);
      writeFileSync(path, standInText);
      chmodSync(path, 0o755);
    }
  }
});
afterAll(async () => {
  rmSync(standIns, { recursive: true });
  pod[Symbol.dispose]();
  await azurite.stop();
  await azure.stop();
});

/** What a reader sets, in the world of the tests. */
const variables = {
  APP_CLIENT_ID: clientIds.multitenant,
  APP_TENANT_ID: tenantIds.contoso,
  CUSTOMER_TENANT_ID: tenantIds.fabrikam,
  IDENTITY_CLIENT_ID: identities.runner.clientId,
  AGENT_BLUEPRINT_ID: clientIds.blueprint,
  AGENT_IDENTITY_ID: agentIdentityIds.triage,
  AZURE_SUBSCRIPTION: subscriptionIds.contosoProduction,
};
/** What a reader writes in place of the example's own values. */
const own = {
  contosodata: account,
  '00000000-0000-0000-0000-00000000000a': clientIds.multitenant,
  '00000000-0000-0000-0000-00000000000b': clientIds.deployer,
  '11111111-1111-1111-1111-11111111111a': identities.runner.clientId,
  '11111111-1111-1111-1111-11111111111b': identities.runner.clientId,
};

/** Packages that a job installs are there already (scripts/install-act.sh), since no job reaches a registry. */
const packages = {
  npm_config_offline: 'true',
  npm_config_cache: resolve('build/runner/npm/cache'),
  // What was cached is known by the address it came from, which may be a reader's own registry.
  npm_config_registry: readFileSync('build/runner/npm/registry.txt', 'utf8').trim(),
  PIP_NO_INDEX: 'true',
  PIP_FIND_LINKS: resolve('build/runner/wheels'),
  PIP_DISABLE_PIP_VERSION_CHECK: 'true',
};

test('every example is run', () => {
  expect(Object.keys(examples).sort()).toEqual(exampleNames);
});

test.each(
  Object.entries(examples).map(([name, example]) => {
    const { programs, why } = example.standIn ?? {};
    return {
      name,
      example,
      title: programs === undefined ? name : `${name}, without ${programs.join(', ')}: ${why}`,
    };
  }),
)('$title', async ({ name, example }) => {
  azure.clearRequests();
  let text = readFileSync(`examples/${name}/github.yml`, 'utf8');
  const written = { ...own, '/var/run/secrets/azure/tokens/azure-identity-token': pod.path };
  for (const [value, replacement] of Object.entries(written)) text = text.replaceAll(value, replacement);
  const run = await runWorkflow({
    text,
    files: `examples/${name}`,
    variables: { ...variables, ...(example.inPod && { APP_CLIENT_ID: clientIds.podDeployer }) },
    environment: { ...azure.environment(), ...packages, AZURE_CORE_COLLECT_TELEMETRY: 'no' },
    path: [join(standIns, name), dirname(azureCli.path)],
  });

  const failed = run.steps.filter(({ result }) => result !== 'success');
  expect(failed).toEqual([]);
  expect([...new Set(Object.values(run.jobs))]).toEqual(['success']);
  expect(run.exitCode).toBe(0);
  const printed = run.steps.map((step) => step.printed).join('');
  for (const line of example.shows) expect(printed).toMatch(line);
  expect(printed).not.toMatch(/eyJ[\w-]+\.eyJ/u);
  expect(run.log).not.toMatch(/eyJ[\w-]+\.eyJ/u);

  const cleanUps = run.steps.filter(({ stage }) => stage === 'Post').map((step) => step.printed);
  expect(cleanUps).toHaveLength(Object.keys(run.jobs).length);
  for (const cleanUp of cleanUps) {
    if (example.removes === undefined) expect(cleanUp).toBe('');
    else expect(cleanUp).toMatch(example.removes);
  }
  // Every later step is the app by what the action gave it, and none asked for the machine's identity itself.
  expect(azure.requests.filter(({ leg }) => leg === 'imds')).toHaveLength(
    example.inPod ? 0 : cleanUps.length,
  );
  expect(azure.requests.filter(({ leg, status }) => leg !== 'proxy' && status !== 200)).toEqual([]);
});
