import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { clientIds, tenantIds } from '../../emulator/default-world.ts';
import { claimsOf } from '../emulator/raw-request.ts';
import { goodInputs, oneOfEach } from '../scenarios/hosts-under-test.ts';
import { fabricCli } from './installed.ts';
import { laterStep, printedBy } from './later-step.ts';
import { type MachineWithClients, startMachineWithClients } from './machine-with-clients.ts';
import { keepProof, notTested, variablesRead } from './proof.ts';
import { printedVersion } from './versions.ts';

const host = 'api.fabric.microsoft.com';
/** The audience that the CLI expects, `FABRIC_TOKEN_AUDIENCE` in its `fab_constant.py`. */
const audience = 'https://analysis.windows.net/powerbi/api';

let machine: MachineWithClients;
let fabric: Server;
let tokens: string[];
beforeAll(async () => {
  machine = await startMachineWithClients();
  const { azure } = machine;
  azure.setWorld({
    ...azure.world,
    resources: [
      ...azure.world.resources,
      {
        displayName: 'Power BI Service',
        appId: '00000009-0000-0000-c000-000000000000',
        identifierUris: [audience],
        accessTokenVersion: 1,
      },
    ],
  });
  fabric = await startFabric();
});
afterAll(async () => {
  await new Promise((closed) => fabric.close(closed));
  await machine.stop();
});

/** Stands in for Fabric: it has one workspace, and keeps the tokens that it was shown. */
async function startFabric(): Promise<Server> {
  const { azure } = machine;
  tokens = [];
  const server = createServer(await azure.ca.issue([host]), (request, response) => {
    const token = /^Bearer (.+)$/u.exec(request.headers.authorization ?? '')?.[1];
    if (token !== undefined) tokens.push(token);
    const isList = request.method === 'GET' && /^\/v1\/workspaces(\?|$)/u.test(request.url ?? '');
    const status = token === undefined ? 401 : isList ? 200 : 404;
    const id = 'f4b21c00-4444-4000-8000-000000000001';
    const body = isList ? { value: [{ id, displayName: 'Sales', type: 'Workspace' }] } : {};
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  azure.proxy.map(host, (server.address() as AddressInfo).port);
  return server;
}

const list = [fabricCli.path, 'ls'] as const;

describe.each(oneOfEach)('$title', (host) => {
  test('fab lists the workspaces with the tokens of the step, and does not renew them', async () => {
    const { azure } = machine;
    const inputs = { scopes: `FAB_TOKEN = ${audience}\nFAB_TOKEN_ONELAKE = storage` };
    const job = host.job(azure, machine);
    const { errors, variables } = await job.step({ ...goodInputs, ...inputs });
    expect(errors).toEqual([]);
    azure.clearRequests();
    tokens.length = 0;

    // A secret variable of Azure Pipelines reaches a step only by its `env:`.
    const environment = host.kind === 'github' ? {} : variables;
    expect(await printedBy(job, list, { environment })).toContain('Sales.Workspace');
    expect(new Set(tokens)).toEqual(new Set([variables['FAB_TOKEN']]));
    expect(claimsOf(tokens[0])).toMatchObject({ appid: clientIds.deployer, tid: tenantIds.contoso });
    expect(azure.requests.filter(({ leg, method }) => leg === 'entra' && method === 'POST')).toEqual([]);

    // An ended token is the end: the CLI has nothing to ask for another one with.
    const ended = await azure.entra.sign({
      ...claimsOf(variables['FAB_TOKEN']),
      exp: Math.floor(Date.now() / 1000) - 60,
    });
    const { code } = await laterStep(job, list, { environment: { ...environment, FAB_TOKEN: ended } });
    expect(code).not.toBe(0);
    expect(azure.requests.filter(({ leg }) => leg === 'imds')).toEqual([]);

    const names = ['FAB_TOKEN', 'FAB_TOKEN_ONELAKE'];
    keepProof({
      tool: 'Fabric CLI',
      versions: printedVersion('ms-fabric-cli', [fabricCli.path, '--version'], /(\d+\.\d+\.\d+)/u),
      host: host.title,
      inputs,
      variables: host.kind === 'github' ? await variablesRead(job, names, list) : notTested(names),
      renewal: 'never',
      did: ['Listed the workspaces of a stand-in for Fabric.'],
    });
    await job.post();
    job.close();
  });
});
