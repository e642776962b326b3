"""Starts nginx with a configuration of ours, at a port that is free."""

import os
import socket
import subprocess
import sys
import time


def start(template, scratch, fields):
    """Fills in the words between @ of a template; returns the process and its port."""
    os.makedirs(scratch, exist_ok=True)
    started = next(filter(None, (try_start(template, scratch, fields) for _ in range(5))), None)
    if started is None:
        sys.exit("nginx does not listen")
    return started


def try_start(template, scratch, fields):
    """nginx does not choose a port, and somebody else may take a free one first: then this fails."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with open(template, encoding="utf-8") as text:
        config = text.read()
    for name, value in {"listen": f"127.0.0.1:{port}", **fields}.items():
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


def version():
    said = subprocess.run(["nginx", "-v"], stderr=subprocess.PIPE, check=True).stderr.decode()
    return said.split("/")[-1].split()[0]
