"""Answers our `exercise` with Python's websockets.

Proves that our client is understood by a library that checks every rule of RFC 6455 and RFC 7692 (masking, header lengths,
UTF-8, close codes), and understands its fragments, pings, compressed messages and close frames.

usage: websockets_server.py [CHAIN KEY]    (with TLS then)
"""

import asyncio
import ssl
import sys

import websockets
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

FRAGMENT = 1000
last_close = "none"


def fragments(message):
    """Cuts a message; a text between characters, as the library wants it."""
    for start in range(0, len(message), FRAGMENT):
        yield message[start : start + FRAGMENT]


async def echo_in_fragments(socket, message):
    async def slowly():
        for count, fragment in enumerate(fragments(message)):
            # Not for every fragment: each ping waits for its own answer.
            if count % 100 == 0:
                await socket.ping()
            yield fragment

    if len(message) == 0:
        await socket.send(message)
    else:
        await socket.send(slowly())


async def answer(socket):
    global last_close
    path = socket.request.path
    try:
        async for message in socket:
            if path == "/fragments":
                await echo_in_fragments(socket, message)
            elif path == "/pings":
                await asyncio.wait_for(await socket.ping(b"are you there"), 10)
                await socket.send("pong")
            elif path == "/extensions":
                await socket.send(socket.response.headers.get("Sec-WebSocket-Extensions", "none"))
            elif path == "/last-close":
                await socket.send(last_close)
            elif path.startswith("/close/"):
                await socket.close(int(path.rsplit("/", 1)[1]), "as asked for")
            else:
                await socket.send(message)
    except ConnectionClosed:
        pass
    if path == "/":
        last_close = f"{socket.close_code} {socket.close_reason}"


async def main():
    tls = None
    if len(sys.argv) > 2:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*sys.argv[1:3])
    async with serve(answer, "127.0.0.1", 0, ssl=tls, max_size=64 << 20) as server:
        print(f"version {websockets.__version__}")
        print(f"listening on 127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        await asyncio.Event().wait()


asyncio.run(main())
