// Only the two requests, as one writes them by hand today. This is the floor.
async function main() {
  const { IMDS, AUTHORITY, TENANT_ID, CLIENT_ID, IDENTITY_CLIENT_ID, SCOPES } = process.env;

  const query = new URLSearchParams({
    'api-version': '2018-02-01',
    resource: 'api://AzureADTokenExchange',
    client_id: IDENTITY_CLIENT_ID,
  });
  const identity = await fetch(`${IMDS}/metadata/identity/oauth2/token?${query}`, {
    headers: { Metadata: 'true' },
  });
  if (!identity.ok) throw new Error(`the identity: ${await identity.text()}`);
  const assertion = (await identity.json()).access_token;

  const tokens = await Promise.all(
    SCOPES.split(' ').map(async (scope) => {
      const answer = await fetch(`${AUTHORITY}/${TENANT_ID}/oauth2/v2.0/token`, {
        method: 'POST',
        body: new URLSearchParams({
          client_id: CLIENT_ID,
          scope,
          grant_type: 'client_credentials',
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: assertion,
        }),
      });
      if (!answer.ok) throw new Error(`${scope}: ${await answer.text()}`);
      return (await answer.json()).access_token;
    }),
  );
  console.log(tokens.join('\n'));
}

main();
