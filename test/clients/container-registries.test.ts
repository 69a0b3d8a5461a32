import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { clientIds } from '../../emulator/default-world.ts';
import { goodInputs, type Inputs, type JobUnderTest, oneOfEach } from '../scenarios/hosts-under-test.ts';
import { exampleJobs } from './example-jobs.ts';
import { crane, helm, oras } from './installed.ts';
import { type LaterStep, laterStep } from './later-step.ts';
import { type MachineWithClients, startMachineWithClients } from './machine-with-clients.ts';
import { keepProof } from './proof.ts';
import { type RegistryServer, startRegistryServer } from './registry-server.ts';
import { goModules } from './versions.ts';

let machine: MachineWithClients;
let server: RegistryServer;
beforeAll(async () => {
  machine = await startMachineWithClients();
  server = await startRegistryServer(machine.azure, machine.workshop);
});
afterAll(async () => {
  await server?.stop();
  await machine?.stop();
});
beforeEach(() => machine.azure.clearRequests());

const inputs: Inputs = { scopes: 'ACR_PASSWORD = acr:contoso.azurecr.io' };
/** What users write in a script: the password comes from the variable and goes in through the standard input. */
const pipePassword = 'printf %s "$ACR_PASSWORD" |';
const user = '00000000-0000-0000-0000-000000000000';

/** A job with a folder for its clients' own files, after a step that asked for the registry's token. */
async function jobWithPassword(
  host: (typeof oneOfEach)[number],
  name: string,
  more: Inputs = {},
): Promise<{
  readonly job: JobUnderTest;
  readonly folder: string;
  readonly password: string;
  run(script: string): Promise<LaterStep>;
}> {
  const folder = join(machine.workshop, `${name}-${host.kind}`);
  mkdirSync(folder);
  const job = host.job(machine.azure, machine);
  const { errors, variables } = await job.step({ ...goodInputs, ...inputs, ...more });
  expect(errors).toEqual([]);
  const password = variables['ACR_PASSWORD'] ?? '';
  expect(password).toMatch(/^eyJ/u);
  // Secret variables of Azure Pipelines reach a script only through its `env:`.
  const secrets = host.kind === 'azure-pipelines' ? { ACR_PASSWORD: password } : {};
  const environment = { ...secrets, DOCKER_CONFIG: folder, HELM_CONFIG_HOME: folder, HOME: folder };
  return {
    job,
    folder,
    password,
    run: (script) =>
      laterStep(job, ['/bin/bash', '-euo', 'pipefail', '-c', script], {
        environment,
        workingDirectory: folder,
      }),
  };
}

const succeeded = ({ code, stdout, stderr }: LaterStep): string => {
  expect([code, code === 0 ? '' : stderr + stdout]).toEqual([0, '']);
  return stdout;
};

/** The registry itself checked the token of every request that it served. */
const registryRequests = () => machine.azure.requests.filter(({ leg }) => leg === 'registry');

describe.each(oneOfEach)('$title', (host) => {
  test('crane logs in, pushes an image and pulls it', async () => {
    const { job, folder, run } = await jobWithPassword(host, 'crane');
    writeFileSync(join(folder, 'hello.txt'), `hello from ${host.kind}\n`);
    const image = `${server.loginServer}/crane/${host.kind}:1`;
    succeeded(
      await run(
        `${pipePassword} ${crane.path} auth login ${server.loginServer} --username ${user} --password-stdin`,
      ),
    );
    succeeded(
      await run(
        `tar -cf layer.tar hello.txt && ${crane.path} append --new_layer layer.tar --new_tag ${image}`,
      ),
    );
    succeeded(await run(`${crane.path} pull ${image} image.tar`));
    expect(succeeded(await run(`${crane.path} export ${image} - | tar -xO hello.txt`))).toBe(
      `hello from ${host.kind}\n`,
    );
    expect(registryRequests().filter(({ path }) => path === '/oauth2/exchange')).toHaveLength(1);
    keep('crane', 'github.com/google/go-containerregistry', ['Pushed an image.', 'Pulled it.'], host.title);
    await job.post();
    job.close();
  });

  test('oras logs in, pushes a file and pulls it', async () => {
    const { job, folder, run } = await jobWithPassword(host, 'oras');
    writeFileSync(join(folder, 'report.csv'), 'region,total\n');
    const artifact = `${server.loginServer}/oras/${host.kind}:1`;
    succeeded(
      await run(
        `${pipePassword} ${oras.path} login ${server.loginServer} --username ${user} --password-stdin`,
      ),
    );
    succeeded(await run(`${oras.path} push ${artifact} report.csv:text/csv`));
    succeeded(await run(`mkdir pulled && ${oras.path} pull --output pulled ${artifact}`));
    expect(readFileSync(join(folder, 'pulled', 'report.csv'), 'utf8')).toBe('region,total\n');
    keep('oras', 'oras.land/oras', ['Pushed a file.', 'Pulled it.'], host.title);
    await job.post();
    job.close();
  });

  test('helm logs in, pushes a chart and pulls it', async () => {
    const { job, folder, run } = await jobWithPassword(host, 'helm');
    const chart = `oci://${server.loginServer}/helm-${host.kind}`;
    succeeded(
      await run(
        `${pipePassword} ${helm.path} registry login ${server.loginServer} --username ${user} --password-stdin`,
      ),
    );
    succeeded(await run(`${helm.path} create web && ${helm.path} package web`));
    succeeded(await run(`${helm.path} push web-0.1.0.tgz ${chart}`));
    succeeded(
      await run(`mkdir pulled && ${helm.path} pull ${chart}/web --version 0.1.0 --destination pulled`),
    );
    expect(readdirSync(join(folder, 'pulled'))).toEqual(['web-0.1.0.tgz']);
    keep('helm', 'helm.sh/helm/v3', ['Pushed a chart.', 'Pulled it.'], host.title);
    await job.post();
    job.close();
  });

  test('examples/container-registry pushes its chart, and nobody is logged in after it', async () => {
    const variables = {
      APP_CLIENT_ID: clientIds.deployer,
      APP_TENANT_ID: goodInputs['tenant-id'] ?? '',
      IDENTITY_CLIENT_ID: goodInputs['managed-identity-client-id'] ?? '',
    };
    server.forget('charts/web');
    const [example, ...more] = exampleJobs('container-registry', host, variables, {});
    if (example === undefined || more.length > 0) throw new Error('The example does not have one job.');
    const job = host.job(machine.azure, {
      ...machine,
      environment: {
        ...machine.environment,
        PATH: `${dirname(helm.path)}:${machine.environment['PATH']}`,
      },
    });
    for (const step of example.steps) {
      if (step.kind === 'entra-app-token') {
        expect((await job.step(step.inputs)).errors).toEqual([]);
      } else {
        const command = ['/bin/bash', '-e', '-c', step.command] as const;
        const options = { environment: step.environment, workingDirectory: example.folder };
        succeeded(await laterStep(job, command, options));
        expect(readFileSync(join(job.temp, 'helm-registry.json'), 'utf8')).not.toMatch(/"auth"/u);
      }
    }
    expect(server.tags('charts/web')).toEqual(['0.1.0']);
    expect(existsSync(join(machine.home, '.config/helm/registry'))).toBe(false);
    await job.post();
    job.close();
  });

  test('an app that may only pull cannot push, and pulls', async () => {
    const image = `${server.loginServer}/shared/${host.kind}:1`;
    const login = `${pipePassword} ${crane.path} auth login ${server.loginServer} --username ${user} --password-stdin`;
    const pusher = await jobWithPassword(host, 'pusher');
    writeFileSync(join(pusher.folder, 'hello.txt'), 'hello\n');
    const push = `tar -cf layer.tar hello.txt && ${crane.path} append --new_layer layer.tar --new_tag ${image}`;
    succeeded(await pusher.run(login));
    succeeded(await pusher.run(push));
    pusher.job.close();

    const puller = await jobWithPassword(host, 'puller', { 'client-id': clientIds.multitenant });
    writeFileSync(join(puller.folder, 'hello.txt'), 'another\n');
    succeeded(await puller.run(login));
    const refused = await puller.run(push);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toMatch(/UNAUTHORIZED|DENIED|denied/u);
    expect(succeeded(await puller.run(`${crane.path} export ${image} - | tar -xO hello.txt`))).toBe(
      'hello\n',
    );
    puller.job.close();
  });

  test('without the password, or with another registry’s, nothing is served', async () => {
    const { job, run } = await jobWithPassword(host, 'stranger', {
      scopes: 'ACR_PASSWORD = acr:contosostrict.azurecr.io',
    });
    const pull = `${crane.path} manifest ${server.loginServer}/shared/${host.kind}:1`;
    const anonymous = await run(pull);
    expect([anonymous.code, anonymous.stdout]).toEqual([1, '']);
    await run(
      `${pipePassword} ${crane.path} auth login ${server.loginServer} --username ${user} --password-stdin`,
    );
    const stranger = await run(pull);
    expect([stranger.code, stranger.stdout]).toEqual([1, '']);
    expect(stranger.stderr).toMatch(/unauthorized|UNAUTHORIZED/u);
    job.close();
  });
});

function keep(tool: string, module: string, did: readonly string[], host: string): void {
  keepProof({
    tool,
    versions: goModules(module, 'github.com/distribution/distribution/v3'),
    host,
    inputs,
    variables: {},
    renewal: 'never',
    did: ['Logged in with the registry’s token.', ...did],
  });
}
