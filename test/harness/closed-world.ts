import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Keeps everything that a test starts on this machine. On a cloud machine, the managed identity's endpoint answers any
 * process, so no test may ever reach the real one, neither by mistake nor by a bug in the code under test.
 */

/** Nothing listens here: the port is privileged, and nothing uses it in practice. */
export const closedPort = 'http://127.0.0.1:1';

const proxies = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'];

/**
 * The environment that every host process starts from. Proxies are closed ports, loopback bypasses them, and the
 * metadata service is a closed port. `environment` wins, name by name (a proxy's name in either letter case).
 *
 * @throws when `environment` empties `AZURE_POD_IDENTITY_AUTHORITY_HOST`: the program would then ask the real metadata service.
 */
export function closedWorld(environment: Readonly<Record<string, string>>): Record<string, string> {
  if (environment['AZURE_POD_IDENTITY_AUTHORITY_HOST'] === '') {
    throw new Error(
      'AZURE_POD_IDENTITY_AUTHORITY_HOST must not be empty: the program would ask the real metadata service.',
    );
  }
  const given = new Set(Object.keys(environment).map((name) => name.toUpperCase()));
  const world: Record<string, string> = { AZURE_POD_IDENTITY_AUTHORITY_HOST: closedPort };
  for (const name of proxies) {
    if (given.has(name)) continue;
    world[name] = closedPort;
    world[name.toLowerCase()] = closedPort;
  }
  if (!given.has('NO_PROXY')) {
    world['NO_PROXY'] = '127.0.0.1,localhost,::1';
    world['no_proxy'] = world['NO_PROXY'];
  }
  return { ...world, ...environment };
}

const loopbackOnly = `'use strict';
// Runs on every Node since 10, so no newer syntax.
var net = require('net');
var connect = net.Socket.prototype.connect;
var loopback = /^(?:localhost|127(?:\\.\\d{1,3}){3}|::1|\\[::1\\])$/i;
function hostOf(args) {
  var list = Array.isArray(args[0]) ? args[0] : args;
  var first = list[0];
  if (typeof first === 'object' && first !== null) return first.path ? undefined : first.host || 'localhost';
  if (typeof first === 'string' && !/^\\d+$/.test(first)) return undefined;
  return typeof list[1] === 'string' ? list[1] : 'localhost';
}
net.Socket.prototype.connect = function () {
  var host = hostOf(arguments);
  if (host === undefined || loopback.test(host)) return connect.apply(this, arguments);
  var socket = this;
  process.nextTick(function () {
    var error = new Error('connect ENETUNREACH ' + host + ': only loopback may be reached');
    error.code = 'ENETUNREACH';
    error.syscall = 'connect';
    socket.destroy(error);
  });
  return this;
};
`;

/**
 * Writes a module into `folder` that makes every connection to anything but loopback fail with ENETUNREACH, whatever
 * the program does, and returns its path for `node --require`. This is the one thing in which a started program
 * differs from its life under the real host.
 */
export function writeLoopbackOnlyModule(folder: string): string {
  const path = join(folder, 'loopback-only.cjs');
  writeFileSync(path, loopbackOnly);
  return path;
}
