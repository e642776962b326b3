"""Serves files in every framing that HTTP/1.1 allows, and in some that it forbids.

Proves that our client reads what Python's own zlib and a plain reading of RFC 9112 wrote: chunk sizes from 1 byte to 64 KiB,
extensions, trailers, members, each content coding; and that it refuses what is cut short, corrupt or ambiguous.

usage: stdlib_server.py FOLDER; GET /MODE/NAME
"""

import gzip
import itertools
import os
import platform
import sys
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FOLDER = sys.argv[1]
SIZES = [1, 15, 16, 4096, 16384, 65536]


def pieces(data, sizes):
    """Cuts data into pieces whose sizes come around."""
    start = 0
    for size in itertools.cycle(sizes):
        if start >= len(data):
            return
        yield data[start : start + size]
        start += size


def raw_deflate(data):
    packer = zlib.compressobj(1, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def members(data):
    half = len(data) // 2
    return gzip.compress(data[:half], 1) + gzip.compress(b"") + gzip.compress(data[half:], 9)


# The codings that a mode applies, and their name in Content-Encoding.
CODINGS = {
    "gzip": ("gzip", lambda data: gzip.compress(data, 1)),
    "members": ("x-gzip", members),
    "zlib": ("deflate", lambda data: zlib.compress(data, 6)),
    "raw": ("deflate", raw_deflate),
    "twice": ("deflate, gzip", lambda data: gzip.compress(zlib.compress(data))),
    "bad-crc": ("gzip", lambda data: gzip.compress(data)[:-8] + bytes(8)),
    "cut-gzip": ("gzip", lambda data: gzip.compress(data)[:-9]),
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        mode, name = self.path.strip("/").split("/", 1)
        with open(os.path.join(FOLDER, os.path.basename(name)), "rb") as file:
            data = file.read()
        if mode == "interim":
            self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
        self.send_response(200)
        if mode in CODINGS:
            coding, encode = CODINGS[mode]
            self.send_header("Content-Encoding", coding)
            data = encode(data)
        if mode in ("length", "short", "both"):
            more = 1 if mode == "short" else 0
            self.send_header("Content-Length", str(len(data) + more))
        if mode in ("close", "length", "short"):
            self.close_connection = True
            self.end_headers()
            self.wfile.write(data)
            return
        self.send_header("Transfer-Encoding", "chunked")
        if mode == "trailers":
            self.send_header("Trailer", "X-Body-Length")
        self.end_headers()
        self.send_chunks(mode, data)

    def send_chunks(self, mode, data):
        extension = b';a=b;quoted="a \\"b\\"; \\\\"' if mode == "extensions" else b""
        for piece in pieces(data, [1] if mode == "bytes" else SIZES):
            size = b"%X" % len(piece) if mode == "extensions" else b"%x" % len(piece)
            self.wfile.write(size + extension + b"\r\n" + piece + b"\r\n")
        self.close_connection = True
        if mode == "cut":
            return
        if mode == "bad-size":
            self.wfile.write(b"0x10\r\n")
            return
        self.wfile.write(b"0\r\n")
        if mode == "trailers":
            self.wfile.write(b"X-Body-Length: %d\r\nX-Other: of no use\r\n" % len(data))
        self.wfile.write(b"\r\n")


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"version {platform.python_version()}")
print(f"listening on http://127.0.0.1:{server.server_port}/", flush=True)
server.serve_forever()
