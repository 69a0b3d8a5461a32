/**
 * A forward proxy that nobody here wrote (npm's `proxy`), as a process of its own. It logs each request as a line of
 * JSON. Public names are led to loopback where a DNS would lead them elsewhere, and no other name is reached.
 *
 * Arguments: user, password, and a JSON object of `host:port` → loopback port.
 */
import { createServer } from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';

const [user, password, map = '{}'] = process.argv.slice(2);
const ports = JSON.parse(map);
const connect = net.connect;
net.connect = ({ host, port }) => {
  const target = ports[`${host}:${port}`];
  return connect({ host: '127.0.0.1', port: target ?? 1 });
};
syncBuiltinESMExports();

const { createProxy } = await import('proxy');
const server = createProxy(createServer());
server.authenticate = ({ method, url, headers }) => {
  const [, credentials = ''] = (headers['proxy-authorization'] ?? '').split(' ');
  const granted = Buffer.from(credentials, 'base64').toString() === `${user}:${password}`;
  console.log(JSON.stringify({ method, url, granted }));
  return granted;
};
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
