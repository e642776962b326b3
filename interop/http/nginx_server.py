"""Starts nginx, which compresses while it sends and is a proxy of our server, at a port that is free.

usage: nginx_server.py FOLDER UPSTREAM SCRATCH
"""

import os
import socket
import subprocess
import sys
import time
import urllib.request

FOLDER, UPSTREAM, SCRATCH = sys.argv[1:4]
TEMPLATE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "nginx.conf")


def start(scratch):
    """nginx does not choose a port, and somebody else may take a free one first: then this fails."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with open(TEMPLATE, encoding="utf-8") as template:
        config = template.read()
    for name, value in {"listen": f"127.0.0.1:{port}", "upstream": UPSTREAM, "files": FOLDER}.items():
        config = config.replace(f"@{name}@", value)
    with open(os.path.join(scratch, "nginx.conf"), "w", encoding="utf-8") as written:
        written.write(config)
    # It ends with this process.
    wrapped = ["setpriv", "--pdeathsig", "KILL", "--", "nginx", "-p", scratch, "-c", "nginx.conf", "-e", "stderr"]
    nginx = subprocess.Popen(wrapped)
    for _ in range(500):
        if nginx.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return nginx, port
        except OSError:
            time.sleep(0.02)
    nginx.kill()
    return None


def check(port, path):
    """What it compresses is chunked and gzip."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/{path}", headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request, timeout=20) as response:
        found = response.headers["Transfer-Encoding"], response.headers["Content-Encoding"]
    if found != ("chunked", "gzip"):
        sys.exit(f"{path} is {found}")


scratch = os.path.join(SCRATCH, "nginx")
os.makedirs(scratch, exist_ok=True)
started = next(filter(None, (start(scratch) for _ in range(5))), None)
if started is None:
    sys.exit("nginx does not listen")
for page in ["gzip/large.txt", "proxy-then-gzip/large.txt"]:
    check(started[1], page)
version = subprocess.run(["nginx", "-v"], stderr=subprocess.PIPE, check=True).stderr.decode()
print(f"version {version.split('/')[-1].split()[0]}")
print(f"listening on http://127.0.0.1:{started[1]}/", flush=True)
started[0].wait()
