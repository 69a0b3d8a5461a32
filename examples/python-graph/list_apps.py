"""Lists the tenant's app registrations through Microsoft Graph, with the token in GRAPH_TOKEN.

The app needs the application permission Application.Read.All. The script needs no packages.
"""

import json
import os
import sys
from urllib.error import HTTPError
from urllib.request import Request, urlopen

# Other clouds have other addresses, for example https://graph.microsoft.us.
graph = os.environ.get("GRAPH_URL", "https://graph.microsoft.com")
page = f"{graph}/v1.0/applications?$select=appId,displayName"

while page:
    request = Request(page, headers={"Authorization": f"Bearer {os.environ['GRAPH_TOKEN']}"})
    try:
        with urlopen(request, timeout=30) as response:
            answer = json.load(response)
    except HTTPError as error:
        sys.exit(f"Graph answered with status {error.code}: {error.read().decode()}")
    for app in answer["value"]:
        print(app["appId"], app["displayName"])
    page = answer.get("@odata.nextLink")
