/** One of Entra's errors: OAuth error, HTTP status and text. The text has placeholders such as `{clientId}`. */
export interface AadstsRow {
  readonly error: string;
  readonly status: number;
  readonly message: string;
  /**
   * Where the text and the status come from. `text:` a public document or a pasted response has the text.
   * `list:` only the code and its meaning are published (see the reference below), and the text is ours.
   * `unconfirmed:` neither is published.
   */
  readonly source: string;
}

const REFERENCE = 'https://learn.microsoft.com/entra/identity-platform/reference-error-codes';
const FEDERATION = 'https://learn.microsoft.com/entra/workload-id/workload-identity-federation';
const NO_MATCH = 'No matching federated identity record found for presented assertion';
const CHECK = `Check your federated identity credential Subject, Audience and Issuer against the presented assertion. ${FEDERATION}`;
const SCOPE_INVALID = "The provided value for the input parameter 'scope' is not valid";

/** Entra's errors by AADSTS number. */
export const aadsts: Readonly<Record<number, AadstsRow>> = {
  // the request as such
  900144: {
    error: 'invalid_request',
    status: 400,
    message: "The request body must contain the following parameter: '{parameter}'.",
    source:
      'text: https://learn.microsoft.com/troubleshoot/entra/entra-id/app-integration/error-code-aadsts900144',
  },
  9000411: {
    error: 'invalid_request',
    status: 400,
    message: "The request is not properly formatted. The parameter '{parameter}' is duplicated.",
    source: `list: ${REFERENCE}`,
  },
  9002313: {
    error: 'invalid_request',
    status: 400,
    message: 'Invalid request. Request is malformed or invalid.',
    source: `text: ${REFERENCE}`,
  },
  900561: {
    error: 'invalid_request',
    status: 400,
    message: 'The endpoint only accepts {allowed} requests. Received a {method} request.',
    source: `text: ${REFERENCE}`,
  },
  70003: {
    error: 'unsupported_grant_type',
    status: 400,
    message: "The app requested an unsupported grant type '{grantType}'.",
    source: `list: ${REFERENCE}`,
  },

  // the tenant
  90002: {
    error: 'invalid_request',
    status: 400,
    message:
      "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.",
    source: 'text: responses pasted in public issues, e.g. Azure/azure-cli',
  },
  900021: {
    error: 'invalid_request',
    status: 400,
    message:
      "Requested tenant identifier '{tenant}' is not valid. Tenant identifiers may not be an empty GUID.",
    source: 'text: responses pasted in public issues',
  },
  900023: {
    error: 'invalid_request',
    status: 400,
    message:
      "Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external domain.",
    source: 'text: responses pasted in public issues, e.g. Azure/azure-cli',
  },
  50194: {
    error: 'invalid_request',
    status: 400,
    message:
      "Application '{clientId}'({appName}) is not configured as a multi-tenant application. Usage of the /common endpoint is not supported for such apps created after '10/15/2018'. Use a tenant-specific endpoint or configure the application to be multi-tenant.",
    source: `text: ${REFERENCE}`,
  },
  50020: {
    error: 'invalid_grant',
    status: 400,
    message:
      "User account from identity provider does not exist in tenant '{tenant}' and cannot access the application '{clientId}'({appName}) in that tenant.",
    source:
      'text: https://learn.microsoft.com/troubleshoot/entra/entra-id/app-integration/error-code-aadsts50020-user-account-identity-provider-does-not-exist',
  },
  50049: {
    error: 'invalid_instance',
    status: 400,
    message: 'Unknown or invalid instance.',
    source: `list: ${REFERENCE}`,
  },

  // the application
  700016: {
    error: 'unauthorized_client',
    status: 400,
    message:
      "Application with identifier '{clientId}' was not found in the directory '{tenant}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.",
    source:
      'text: https://learn.microsoft.com/troubleshoot/entra/entra-id/app-integration/error-code-aadsts700016-app-not-found-in-directory',
  },
  700038: {
    error: 'unauthorized_client',
    status: 400,
    message: '{clientId} is not a valid application identifier.',
    source: 'text: responses pasted in public issues; the status is unconfirmed',
  },
  7000229: {
    error: 'invalid_client',
    status: 401,
    message:
      'The client application {clientId} is missing service principal in the tenant {tenant}. See instructions here: https://go.microsoft.com/fwlink/?linkid=2225119',
    source: 'text: https://github.com/Azure/azure-sdk-for-net/issues/46762',
  },
  7000112: {
    error: 'unauthorized_client',
    status: 400,
    message: "Application '{clientId}'({appName}) is disabled.",
    source:
      'text: https://learn.microsoft.com/troubleshoot/entra/entra-id/app-integration/error-code-aadsts7000112-application-is-disabled',
  },
  7000111: {
    error: 'unauthorized_client',
    status: 400,
    message: "The service principal of application '{clientId}'({appName}) is disabled in tenant '{tenant}'.",
    source: 'unconfirmed: no public wording',
  },
  650059: {
    error: 'invalid_client',
    status: 401,
    message: "The application '{clientId}' is configured for use by its home directory's principals only.",
    source: 'unconfirmed: no public wording',
  },

  // the scope and the resource
  70011: {
    error: 'invalid_scope',
    status: 400,
    message: `The provided request must include a 'scope' input parameter. ${SCOPE_INVALID}. The scope {scope} is not valid.`,
    source: `text: ${REFERENCE}`,
  },
  1002012: {
    error: 'invalid_scope',
    status: 400,
    message:
      'The provided value for scope {scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).',
    source: 'text: https://github.com/databricks/databricks-sql-nodejs/issues/226',
  },
  700022: {
    error: 'invalid_scope',
    status: 400,
    message: `${SCOPE_INVALID} because it contains more than one resource. Scope {scope} is not valid.`,
    source: `list: ${REFERENCE}`,
  },
  700023: {
    error: 'invalid_scope',
    status: 400,
    message: `${SCOPE_INVALID}. The scope {scope} is not valid: it can't be empty.`,
    source: `list: ${REFERENCE}`,
  },
  28002: {
    error: 'invalid_scope',
    status: 400,
    message:
      "Provided value for the input parameter scope '{scope}' is not valid when requesting an access token. Please specify a valid scope.",
    source: `text: ${REFERENCE}`,
  },
  901002: {
    error: 'invalid_request',
    status: 400,
    message: "The 'resource' request parameter is not supported.",
    source: 'text: responses pasted in public issues, e.g. AzureAD/microsoft-authentication-library-for-js',
  },
  500011: {
    error: 'invalid_resource',
    status: 400,
    message:
      'The resource principal named {resource} was not found in the tenant named {tenant}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.',
    source: 'text: https://github.com/rootinc/laravel-azure-middleware/issues/51',
  },
  50001: {
    error: 'invalid_resource',
    status: 400,
    message:
      'The application named {resource} was not found in the tenant named {tenant}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.',
    source: `text: ${REFERENCE}`,
  },
  500014: {
    error: 'invalid_resource',
    status: 400,
    message:
      "The service principal for resource '{resource}' is disabled. This indicate that a subscription within the tenant has lapsed, or that the administrator for this tenant has disabled the application, preventing tokens from being issued for it.",
    source:
      'text: https://learn.microsoft.com/troubleshoot/entra/entra-id/app-integration/error-code-aadsts500014-service-principal-for-resource-is-disabled',
  },
  501051: {
    error: 'invalid_grant',
    status: 400,
    message:
      "Application '{clientId}'({appName}) is not assigned to a role for the application '{resource}'.",
    source:
      'text: https://learn.microsoft.com/entra/identity-platform/scenario-protected-web-api-app-registration',
  },

  // the client's credential
  7000216: {
    error: 'invalid_client',
    status: 401,
    message:
      "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
    source: 'text: https://github.com/MicrosoftDocs/azure-docs/issues/30777; the status is unconfirmed',
  },
  7000218: {
    error: 'invalid_client',
    status: 401,
    message: "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    source:
      'text: https://learn.microsoft.com/troubleshoot/entra/entra-id/app-integration/error-code-aadsts7000218-require-client-assertion-secret',
  },
  7000215: {
    error: 'invalid_client',
    status: 401,
    message:
      "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{clientId}'.",
    source: `text: ${REFERENCE}`,
  },
  7000222: {
    error: 'invalid_client',
    status: 401,
    message:
      "The provided client secret keys for app '{clientId}' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds.",
    source: `text: ${REFERENCE}`,
  },
  50027: {
    error: 'invalid_request',
    status: 400,
    message: 'JWT token is invalid or malformed.',
    source: `text: ${REFERENCE}; the status is unconfirmed`,
  },
  50013: {
    error: 'invalid_grant',
    status: 400,
    message: 'Assertion failed signature validation. [Reason - The key was not found.]',
    source: 'text: https://github.com/Azure/azure-sdk-for-java/issues/25109',
  },
  500133: {
    error: 'invalid_grant',
    status: 400,
    message:
      'Assertion is not within its valid time range. Ensure that the access token is not expired before using it for user assertion, or request a new token.',
    source: `text: ${REFERENCE}`,
  },
  700024: {
    error: 'invalid_client',
    status: 401,
    message:
      'Client assertion is not within its valid time range. Current time: {now}, assertion valid from {from}, expiry time of assertion {until}. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .',
    source: 'text: https://github.com/AzureAD/microsoft-authentication-library-for-java/issues/984',
  },
  700027: {
    error: 'invalid_client',
    status: 401,
    message:
      "Client assertion failed signature validation. [Reason - {reason}, Thumbprint of key used by client: '{keyId}']",
    source: `list: ${REFERENCE}`,
  },

  // agent identity blueprints
  82001: {
    error: 'unauthorized_client',
    status: 400,
    message:
      "Agentic application '{clientId}' is not permitted to request app-only tokens for resource '{resource}'.",
    source: 'text: responses pasted in public issues and notes on agent identities',
  },
  82002: {
    error: 'unauthorized_client',
    status: 400,
    message: "Agentic application '{clientId}' is not permitted to use this grant type.",
    source: 'unconfirmed: the code is published for the on-behalf-of grant, its text is not',
  },
  82008: {
    error: 'invalid_request',
    status: 400,
    message:
      'All agentic applications requesting a token exchange token must include the fmipath parameter on the token request.',
    source: 'text: https://github.com/microsoft/Agent365-Samples/issues/230; the status is unconfirmed',
  },

  // the federated identity credential
  50166: {
    error: 'invalid_request',
    status: 400,
    message: 'Request to External OIDC endpoint failed.',
    source: 'text: https://github.com/Azure/azure-workload-identity/issues/1130',
  },
  501661: {
    error: 'invalid_request',
    status: 400,
    message: 'Request to External OIDC endpoint failed.',
    source: 'text: https://docs.gitlab.com/ci/cloud_services/azure/',
  },
  70021: {
    error: 'invalid_client',
    status: 401,
    message: `${NO_MATCH}. Assertion Issuer: '{issuer}'. Assertion Subject: '{subject}'. Assertion Audience: '{audience}'. ${FEDERATION}`,
    source: 'text: https://github.com/Azure/azure-workload-identity/issues/340',
  },
  70025: {
    error: 'invalid_client',
    status: 401,
    message: "The client '{clientId}'({appName}) has no configured federated identity credentials.",
    source: 'text: responses pasted in public issues, e.g. Azure/login; the status is unconfirmed',
  },
  700211: {
    error: 'invalid_client',
    status: 401,
    message: `${NO_MATCH} issuer '{issuer}'. ${CHECK}`,
    source: 'text: https://github.com/Azure/azure-workload-identity/issues/1200',
  },
  700212: {
    error: 'invalid_client',
    status: 401,
    message: `${NO_MATCH} audience '{audience}'. ${CHECK}`,
    source: 'text: https://docs.gitlab.com/ci/cloud_services/azure/',
  },
  7002121: {
    error: 'invalid_client',
    status: 401,
    message: `${NO_MATCH} audience '{audience}'. ${CHECK}`,
    source:
      'text: public notes on managed identities as credentials, for assertions that Entra itself issued',
  },
  700213: {
    error: 'invalid_client',
    status: 401,
    message: `${NO_MATCH} subject '{subject}'. ${CHECK}`,
    source: 'text: https://github.com/Azure/login/issues/482, status from Terraform logs',
  },
  7002138: {
    error: 'invalid_client',
    status: 401,
    message: `${NO_MATCH} subject '{subject}'. The subject matches with case-insensitive comparison, but not with case-sensitive comparison. Check your federated identity credential Subject, Audience and Issuer against the presented assertion. See documentation at: ${FEDERATION}. See breaking change notification and remediation at: https://learn.microsoft.com/en-us/entra/identity-platform/reference-breaking-changes#august-2024.`,
    source: 'text: https://github.com/Azure/login/issues/515',
  },
  7002206: {
    error: 'invalid_client',
    status: 401,
    message: "The audience '{audience}' of the presented assertion belongs to another cloud.",
    source: 'unconfirmed: no public wording',
  },
  700222: {
    error: 'invalid_client',
    status: 401,
    message: 'AAD-issued tokens may not be used for federated identity flows.',
    source: 'text: https://github.com/AzureAD/microsoft-identity-web/issues/2519',
  },
  700223: {
    error: 'invalid_client',
    status: 401,
    message: 'Federated identity credentials are not allowed by the policy of this tenant.',
    source: 'unconfirmed: no public wording',
  },
  700226: {
    error: 'invalid_client',
    status: 401,
    message: 'Only MSI tokens may be used as Federated Identity Credentials for AAD issuer.',
    source: 'text: public notes on cross-tenant federated credentials; the status is unconfirmed',
  },
  700227: {
    error: 'invalid_client',
    status: 401,
    message: 'Forbidden token audience.',
    source: 'text: public notes on cross-tenant federated credentials; the status is unconfirmed',
  },
  700229: {
    error: 'invalid_client',
    status: 401,
    message:
      'Forbidden token type. Only app-only tokens may be used as Federated Identity Credentials for AAD issuer.',
    source: 'text: https://github.com/MicrosoftDocs/azure-docs/issues/109083',
  },
  700231: {
    error: 'invalid_client',
    status: 401,
    message:
      'Token obtained using a federated identity credential may not be used as a federated identity credential.',
    source: 'text: public notes on chained federation; the status is unconfirmed',
  },
  700236: {
    error: 'invalid_client',
    status: 401,
    message:
      "Entra ID tokens issued by issuer '{issuer}' may not be used for federated identity credential flows for applications or managed identities registered in this tenant.",
    source: 'text: public notes on cross-tenant federated credentials; the status is unconfirmed',
  },
  700238: {
    error: 'invalid_client',
    status: 401,
    message: 'Federated identity credentials with this issuer are not allowed by the policy of this tenant.',
    source: 'unconfirmed: no public wording',
  },

  // policies, clouds and transient errors, for faults that a test queues
  53003: {
    error: 'invalid_grant',
    status: 400,
    message:
      'Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.',
    source: `text: ${REFERENCE}`,
  },
  530032: {
    error: 'invalid_grant',
    status: 400,
    message: 'Access has been blocked by security policy on the tenant.',
    source: `list: ${REFERENCE}`,
  },
  530035: {
    error: 'invalid_grant',
    status: 400,
    message: 'Access has been blocked by security defaults.',
    source: 'text: responses pasted in public issues',
  },
  50196: {
    error: 'invalid_grant',
    status: 400,
    message:
      'The server terminated an operation because it encountered a client request loop. Please contact your app vendor.',
    source: `text: ${REFERENCE}`,
  },
  900382: {
    error: 'invalid_request',
    status: 400,
    message: 'Confidential Client is not supported in Cross Cloud request.',
    source: `text: ${REFERENCE}`,
  },
  900432: {
    error: 'invalid_request',
    status: 400,
    message: 'Confidential Client is not supported in Cross Cloud request.',
    source: `list: ${REFERENCE}`,
  },
  90038: {
    error: 'invalid_request',
    status: 400,
    message: "The tenant '{tenant}' is located in a different cloud instance and must be redirected there.",
    source: `list: ${REFERENCE}`,
  },
  100007: {
    error: 'invalid_request',
    status: 400,
    message:
      'AAD Regional ONLY supports auth either for MSIs OR for requests from MSAL using SN+I for 1P apps or 3P apps onboarded to regional.',
    source:
      'text: responses pasted in public issues, e.g. AzureAD/microsoft-authentication-library-for-dotnet',
  },
  50033: {
    error: 'temporarily_unavailable',
    status: 503,
    message: 'A transient error has occurred. Please try again.',
    source: `list: ${REFERENCE}`,
  },
  90006: {
    error: 'temporarily_unavailable',
    status: 503,
    message: 'The service is temporarily unavailable. Please retry later.',
    source: `list: ${REFERENCE}`,
  },
  90012: {
    error: 'temporarily_unavailable',
    status: 503,
    message: 'The request has timed out.',
    source: `list: ${REFERENCE}`,
  },
  90024: {
    error: 'temporarily_unavailable',
    status: 503,
    message: 'Request budget exceeded. A transient error has occurred. Please try again.',
    source: `list: ${REFERENCE}`,
  },
  90033: {
    error: 'temporarily_unavailable',
    status: 503,
    message: 'A transient error has occurred. Please try again.',
    source: `list: ${REFERENCE}`,
  },
  90055: {
    error: 'temporarily_unavailable',
    status: 429,
    message: 'Server terminated this operation because there have been too many requests.',
    source: `list: ${REFERENCE}`,
  },
  90090: {
    error: 'temporarily_unavailable',
    status: 503,
    message: 'Authentication failed, please retry the request.',
    source: `list: ${REFERENCE}`,
  },
};
