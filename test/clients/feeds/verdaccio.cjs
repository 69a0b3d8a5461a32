// verdaccio in this process: what anybody publishes, anybody gets. Prints its port.
const { createRequire } = require('node:module');

const [modules, storage, publicUrl] = process.argv.slice(2);
process.env.VERDACCIO_PUBLIC_URL = publicUrl;
const { runServer } = createRequire(`${modules}/`)('verdaccio');
const everybody = { access: '$all', publish: '$all', unpublish: '$all' };
runServer({
  storage,
  configPath: `${storage}/config.yaml`,
  self_path: `${storage}/config.yaml`,
  web: { enable: false },
  uplinks: {},
  auth: { htpasswd: { file: `${storage}/htpasswd` } },
  packages: { '**': everybody },
  middlewares: {},
  log: { type: 'stdout', format: 'pretty', level: 'warn' },
}).then((server) => server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`)));
