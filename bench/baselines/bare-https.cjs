// The same two requests with node:http and node:https, which load less code than fetch.
const http = require('node:http');
const https = require('node:https');

function ask(client, url, options, body) {
  return new Promise((resolve, reject) => {
    const request = client.request(url, options, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (part) => {
        text += part;
      });
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve(JSON.parse(text).access_token);
        else reject(new Error(text));
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

async function main() {
  const { IMDS, AUTHORITY, TENANT_ID, CLIENT_ID, IDENTITY_CLIENT_ID, SCOPES } = process.env;

  const query = new URLSearchParams({
    'api-version': '2018-02-01',
    resource: 'api://AzureADTokenExchange',
    client_id: IDENTITY_CLIENT_ID,
  });
  const assertion = await ask(http, `${IMDS}/metadata/identity/oauth2/token?${query}`, {
    headers: { Metadata: 'true' },
  });

  const tokens = await Promise.all(
    SCOPES.split(' ').map((scope) => {
      const body = new URLSearchParams({
        client_id: CLIENT_ID,
        scope,
        grant_type: 'client_credentials',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion,
      });
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const options = { method: 'POST', headers };
      return ask(https, `${AUTHORITY}/${TENANT_ID}/oauth2/v2.0/token`, options, body.toString());
    }),
  );
  console.log(tokens.join('\n'));
}

main();
