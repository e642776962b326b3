"""Asks our server with Python's http.client.

Proves that a client written from the RFC reads our chunks, our gzip (through Python's zlib) and our answers to chunked
uploads, many on one connection.

usage: stdlib_client.py URL FOLDER
"""

import gzip
import http.client
import os
import platform
import sys
from urllib.parse import urlsplit

import cases

URL, FOLDER = urlsplit(sys.argv[1]), sys.argv[2]


def file(name):
    with open(os.path.join(FOLDER, name), "rb") as opened:
        return opened.read()


def connect():
    return http.client.HTTPConnection(URL.hostname, URL.port, timeout=20)


def ask(connection, *arguments, **more):
    connection.request(*arguments, **more)
    response = connection.getresponse()
    return response, response.read()


def chunked():
    for name in ["large.txt", "noise.bin", "empty.txt", "small.txt"]:
        response, body = ask(connect(), "GET", f"/{name}")
        cases.same(response.getheader("Transfer-Encoding"), "chunked")
        cases.same(body, file(name))


def compressed():
    for name in ["large.txt", "noise.bin", "empty.txt", "small.txt"]:
        response, body = ask(connect(), "GET", f"/{name}", headers={"Accept-Encoding": "gzip"})
        cases.same(response.getheader("Content-Encoding"), "gzip")
        cases.same(gzip.decompress(body), file(name))


def keep_alive():
    connection = connect()
    connection.connect()
    port = connection.sock.getsockname()
    for _ in range(50):
        cases.same(ask(connection, "GET", "/small.txt")[1], file("small.txt"))
        cases.same(ask(connection, "POST", "/", body=b"hello")[1], b"hello")
        cases.same(ask(connection, "HEAD", "/small.txt")[1], b"")
        cases.same(connection.sock.getsockname(), port)


def pipelined():
    """Three requests in one write: the answers come in order."""
    connection = connect()
    connection.connect()
    names = ["medium.txt", "small.txt", "noise.bin"]
    heads = [f"GET /{name} HTTP/1.1\r\nHost: here\r\n\r\n".encode() for name in names]
    connection.sock.sendall(b"".join(heads))
    # One reader for all: each response would take bytes of the next into its own.
    stream = connection.sock.makefile("rb")

    class Shared:
        def makefile(self, *_):
            return stream

    # A response closes its stream at its end.
    stream.close = lambda: None
    for name in names:
        response = http.client.HTTPResponse(Shared(), method="GET")
        response.begin()
        cases.same(response.read(), file(name))


def upload():
    """http.client chunks what it cannot measure."""
    data = file("large.txt")
    for size in [1000, 65536]:
        pieces = (data[start : start + size] for start in range(0, len(data), size))
        response, body = ask(connect(), "POST", "/", body=pieces, encode_chunked=True)
        cases.same(response.status, 200)
        cases.same(body, data)


def half_closed():
    """A client that sends no more still gets its answer."""
    connection = connect()
    connection.connect()
    connection.putrequest("GET", "/medium.txt")
    connection.endheaders()
    connection.sock.shutdown(1)
    cases.same(connection.getresponse().read(), file("medium.txt"))


def refused():
    """What smuggles gets a 400 and no second answer."""
    for fields in [
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding : chunked\r\n",
    ]:
        connection = connect()
        connection.connect()
        hidden = b"0\r\n\r\nGET /small.txt HTTP/1.1\r\nHost: here\r\n\r\n"
        connection.sock.sendall(b"POST / HTTP/1.1\r\nHost: here\r\n" + fields + b"\r\n" + hidden)
        said = b""
        try:
            while data := connection.sock.recv(65536):
                said += data
        except ConnectionResetError:
            # The rest of the request was still under way.
            pass
        cases.same(said.count(b"HTTP/1.1 "), 1)
        cases.same(said[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 501"), True)


cases.run(
    platform.python_version(),
    {
        "chunked": chunked,
        "gzip": compressed,
        "150 requests on one connection": keep_alive,
        "pipelined requests": pipelined,
        "chunked upload": upload,
        "half-closed connection": half_closed,
        "smuggled requests are refused": refused,
    },
)
