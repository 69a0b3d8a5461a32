// Signs in with nothing but the variables that the step exported, and prints as JSON what it could do.
//
//	exported-identity azure-sdk BLOB_SERVICE_URL CONTAINER
//	exported-identity terraform
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/hashicorp/go-azure-sdk/sdk/auth"
	"github.com/hashicorp/go-azure-sdk/sdk/environments"
)

func main() {
	var result any
	var err error
	switch {
	case len(os.Args) == 4 && os.Args[1] == "azure-sdk":
		result, err = azureSDK(context.Background(), os.Args[2], os.Args[3])
	case len(os.Args) == 2 && os.Args[1] == "terraform":
		result, err = terraformProvider(context.Background())
	default:
		err = fmt.Errorf("usage: exported-identity azure-sdk BLOB_SERVICE_URL CONTAINER | exported-identity terraform")
	}
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(result)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type sdkResult struct {
	// One credential, asked twice for the same scope.
	Tokens []string `json:"tokens"`
	Blobs  []string `json:"blobs"`
}

// azureSDK uses the default chain, as most Go programs do.
func azureSDK(ctx context.Context, serviceURL, container string) (*sdkResult, error) {
	credential, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return nil, err
	}
	result := &sdkResult{}
	for range 2 {
		token, err := credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{"https://storage.azure.com/.default"}})
		if err != nil {
			return nil, err
		}
		result.Tokens = append(result.Tokens, token.Token)
	}
	result.Blobs, err = listBlobs(ctx, credential, serviceURL, container)
	return result, err
}

func listBlobs(ctx context.Context, credential azcore.TokenCredential, serviceURL, container string) ([]string, error) {
	client, err := azblob.NewClient(serviceURL, credential, nil)
	if err != nil {
		return nil, err
	}
	names := []string{}
	pager := client.NewListBlobsFlatPager(container, nil)
	for pager.More() {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, blob := range page.Segment.BlobItems {
			names = append(names, *blob.Name)
		}
	}
	return names, nil
}

type providerResult struct {
	Tokens        []string        `json:"tokens"`
	Subscriptions json.RawMessage `json:"subscriptions"`
}

// terraformProvider signs in as Terraform's azurerm provider does: it reads the ARM_ variables and the token's file
// itself and gives both to go-azure-sdk. Then it lists the subscriptions that the app can read.
func terraformProvider(ctx context.Context) (*providerResult, error) {
	if os.Getenv("ARM_USE_OIDC") != "true" {
		return nil, fmt.Errorf("ARM_USE_OIDC is not true")
	}
	environment, err := environments.FromName(os.Getenv("ARM_ENVIRONMENT"))
	if err != nil {
		return nil, err
	}
	assertion, err := os.ReadFile(os.Getenv("ARM_OIDC_TOKEN_FILE_PATH"))
	if err != nil {
		return nil, err
	}
	authorizer, err := auth.NewAuthorizerFromCredentials(ctx, auth.Credentials{
		Environment:                   *environment,
		TenantID:                      os.Getenv("ARM_TENANT_ID"),
		ClientID:                      os.Getenv("ARM_CLIENT_ID"),
		OIDCAssertionToken:            strings.TrimSpace(string(assertion)),
		EnableAuthenticationUsingOIDC: true,
	}, environment.ResourceManager)
	if err != nil {
		return nil, err
	}
	endpoint, ok := environment.ResourceManager.Endpoint()
	if !ok {
		return nil, fmt.Errorf("%s has no Resource Manager endpoint", environment.Name)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, *endpoint+"/subscriptions?api-version=2022-12-01", nil)
	if err != nil {
		return nil, err
	}
	result := &providerResult{}
	for range 2 {
		token, err := authorizer.Token(ctx, request)
		if err != nil {
			return nil, err
		}
		result.Tokens = append(result.Tokens, token.AccessToken)
		token.SetAuthHeader(request)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("Resource Manager answered %s", response.Status)
	}
	return result, json.NewDecoder(response.Body).Decode(&result.Subscriptions)
}
