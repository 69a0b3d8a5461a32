"""Lists the blobs of a container. The credential comes from environment variables only:

AZURE_STORAGE_BLOB_URL=https://ACCOUNT.blob.core.windows.net python3 list_blobs.py CONTAINER
"""

import os
import sys

from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient

url = os.environ.get("AZURE_STORAGE_BLOB_URL")
if not url or len(sys.argv) != 2:
    sys.exit("Usage: AZURE_STORAGE_BLOB_URL=<address of the blob service> python3 list_blobs.py <container>")

with DefaultAzureCredential() as credential, BlobServiceClient(url, credential=credential) as service:
    for blob in service.get_container_client(sys.argv[1]).list_blobs():
        print(blob.name)
