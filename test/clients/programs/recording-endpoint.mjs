// Stands between a client and its identity endpoint, and writes what the client sends. It changes nothing but `Host`.
//
//   node recording-endpoint.mjs FILE COMMAND [ARGUMENT…]
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';

const [file, command, ...words] = process.argv.slice(2);
const endpoint = new URL(process.env.IDENTITY_ENDPOINT);
const recorded = [];
const server = createServer((asked, reply) => {
  recorded.push({ method: asked.method, url: asked.url, headers: asked.rawHeaders });
  const headers = { ...asked.headers, host: endpoint.host };
  const forwarded = request(new URL(asked.url, endpoint.origin), {
    method: asked.method,
    headers,
    agent: false,
  });
  forwarded.once('response', (answer) => {
    reply.writeHead(answer.statusCode, answer.headers);
    answer.pipe(reply);
  });
  asked.pipe(forwarded);
});
server.listen(0, '127.0.0.1', () => {
  const address = `http://127.0.0.1:${server.address().port}${endpoint.pathname}`;
  const child = spawn(command, words, {
    stdio: 'inherit',
    env: { ...process.env, IDENTITY_ENDPOINT: address },
  });
  child.once('exit', (code) => {
    writeFileSync(file, JSON.stringify(recorded));
    server.close();
    server.closeAllConnections();
    process.exitCode = code ?? 1;
  });
});
