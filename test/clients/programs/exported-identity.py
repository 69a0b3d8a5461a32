"""Signs in with nothing but the variables that the step exported, and prints as JSON what it could do.

exported-identity.py sync|async BLOB_SERVICE_URL CONTAINER
"""

import asyncio
import json
import sys

SCOPE = "https://storage.azure.com/.default"


def with_sync(service_url, container):
    from azure.identity import DefaultAzureCredential
    from azure.storage.blob import BlobServiceClient

    credential = DefaultAzureCredential()
    # One credential, asked twice for the same scope.
    tokens = [credential.get_token(SCOPE).token for _ in range(2)]
    client = BlobServiceClient(service_url, credential=credential).get_container_client(container)
    return tokens, [blob.name for blob in client.list_blobs()]


async def with_async(service_url, container):
    from azure.identity.aio import DefaultAzureCredential
    from azure.storage.blob.aio import BlobServiceClient

    async with DefaultAzureCredential() as credential:
        tokens = [(await credential.get_token(SCOPE)).token for _ in range(2)]
        async with BlobServiceClient(service_url, credential=credential) as service:
            client = service.get_container_client(container)
            return tokens, [blob.name async for blob in client.list_blobs()]


kind, service_url, container = sys.argv[1:]
if kind == "sync":
    tokens, blobs = with_sync(service_url, container)
else:
    tokens, blobs = asyncio.run(with_async(service_url, container))
print(json.dumps({"tokens": tokens, "blobs": blobs}))
