#!/bin/sh
# The steps that articles and issues recommend today.
set -eu
az login --identity "$IDENTITY_OPTION" "$IDENTITY_CLIENT_ID" --allow-no-subscriptions --output none
assertion=$(az account get-access-token --resource api://AzureADTokenExchange --query accessToken --output tsv)
az login --service-principal --username "$CLIENT_ID" --tenant "$TENANT_ID" \
  --federated-token "$assertion" --allow-no-subscriptions --output none
az account get-access-token --resource https://management.azure.com --query accessToken --output tsv
