"""Starts nginx, which speaks TLS and passes on what it hears to our server, at a port that is free.

usage: nginx_proxy.py UPSTREAM CHAIN KEY SCRATCH
"""

import os
import sys

import nginx

UPSTREAM, CHAIN, KEY, SCRATCH = sys.argv[1:5]
TEMPLATE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "nginx.conf")

fields = {"upstream": UPSTREAM, "chain": CHAIN, "key": KEY}
process, port = nginx.start(TEMPLATE, os.path.join(SCRATCH, "nginx-tls"), fields)
print(f"version {nginx.version()}")
print(f"listening on https://127.0.0.1:{port}/", flush=True)
process.wait()
