"""Starts nginx, which compresses while it sends and is a proxy of our server, at a port that is free.

usage: nginx_server.py FOLDER UPSTREAM SCRATCH
"""

import os
import sys
import urllib.request

import nginx

FOLDER, UPSTREAM, SCRATCH = sys.argv[1:4]
TEMPLATE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "nginx.conf")


def check(port, path):
    """What it compresses is chunked and gzip."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/{path}", headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request, timeout=20) as response:
        found = response.headers["Transfer-Encoding"], response.headers["Content-Encoding"]
    if found != ("chunked", "gzip"):
        sys.exit(f"{path} is {found}")


fields = {"upstream": UPSTREAM, "files": FOLDER}
process, port = nginx.start(TEMPLATE, os.path.join(SCRATCH, "nginx"), fields)
for page in ["gzip/large.txt", "proxy-then-gzip/large.txt"]:
    check(port, page)
print(f"version {nginx.version()}")
print(f"listening on http://127.0.0.1:{port}/", flush=True)
process.wait()
