"""pypiserver in this process: what anybody uploads, anybody gets. Prints its port."""

import sys
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server

import pypiserver


class ThreadingServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True


app = pypiserver.app(
    roots=[Path(sys.argv[1])], authenticate=[], password_file=".", disable_fallback=True
)
server = make_server("127.0.0.1", 0, app, ThreadingServer)
print("port", server.server_port, flush=True)
server.serve_forever()
