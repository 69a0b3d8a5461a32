/**
 * Keeps whatever a test starts on this machine. A managed identity's endpoint answers any process on a cloud
 * machine, so no test may ever reach the real one, by mistake or by a fault in the code under test.
 */

/** Nothing listens here: the port is privileged and unassigned in practice. */
export const closedPort = 'http://127.0.0.1:1';

const proxies = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'];

/**
 * The environment every host process starts from: proxies lead nowhere but loopback needs none, and the metadata
 * service is a closed port. `environment` wins, name by name (a proxy's name in either letter case).
 *
 * @throws when `environment` empties `AZURE_POD_IDENTITY_AUTHORITY_HOST`: the metadata service would then be real.
 */
export function closedWorld(environment: Readonly<Record<string, string>>): Record<string, string> {
  if (environment['AZURE_POD_IDENTITY_AUTHORITY_HOST'] === '') {
    throw new Error(
      'AZURE_POD_IDENTITY_AUTHORITY_HOST must not be empty: the real metadata service would be asked.',
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

/**
 * Arguments for `node` that make a connection to anything but loopback fail with ENETUNREACH, whatever the program
 * does. The one thing in which a started program differs from its life under the real host.
 */
export const fence: readonly string[] = [
  '--import',
  `data:text/javascript,${encodeURIComponent(`
    import net from 'node:net';
    const connect = net.Socket.prototype.connect;
    const loopback = /^(?:localhost|127(?:\\.\\d{1,3}){3}|::1|\\[::1\\])$/i;
    const hostOf = (args) => {
      const [first, second] = Array.isArray(args[0]) ? args[0] : args;
      if (typeof first === 'object' && first !== null) return first.path ? undefined : (first.host ?? 'localhost');
      if (typeof first === 'string' && !/^\\d+$/.test(first)) return undefined;
      return typeof second === 'string' ? second : 'localhost';
    };
    net.Socket.prototype.connect = function (...args) {
      const host = hostOf(args);
      if (host === undefined || loopback.test(host)) return connect.apply(this, args);
      process.nextTick(() => this.destroy(Object.assign(new Error('connect ENETUNREACH ' + host + ': only loopback may be reached'), { code: 'ENETUNREACH', syscall: 'connect' })));
      return this;
    };
  `)}`,
];
