"""Talks to our echo servers with Python's websockets, and with frames that no library sends.

Proves that our server is understood by a library that checks every rule (with each parameter of permessage-deflate), that
fragments and pings mix as they may, and that each violation is answered with the right close code.

usage: websockets_client.py URL [--deflate] [--ca FILE]
"""

import asyncio
import ssl
import sys
import zlib
from urllib.parse import urlsplit

import websockets
from websockets.asyncio.client import connect
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

import cases
from raw import Raw, frame

URL = sys.argv[1]
TLS = ssl.create_default_context(cafile=sys.argv[sys.argv.index("--ca") + 1]) if "--ca" in sys.argv else None
DEFLATE = "--deflate" in sys.argv
CHARACTERS = "aé€𝄞"
LENGTHS = [0, 1, 2, 3, 124, 125, 126, 127, 1000, 65535, 65536, 65537, 1 << 20]


def open_socket(**parameters):
    extensions = [ClientPerMessageDeflateFactory(**parameters)] if DEFLATE else None
    return connect(URL, ssl=TLS, compression=None, extensions=extensions, max_size=None)


def text(length):
    return (CHARACTERS * (length // 10 + 1))[:length]


def binary(length):
    return (bytes(range(256)) * (length // 256 + 1))[:length]


async def echo(socket, message):
    await socket.send(message)
    cases.same(await socket.recv(), message)


async def extensions():
    async with open_socket() as socket:
        granted = socket.response.headers.get("Sec-WebSocket-Extensions", "")
        cases.same("permessage-deflate" in granted, DEFLATE)


async def lengths():
    async with open_socket() as socket:
        for length in LENGTHS:
            await echo(socket, text(length))
            await echo(socket, binary(length))


async def large():
    async with open_socket() as socket:
        await echo(socket, binary(16 << 20))
        await echo(socket, text(4 << 20))


async def fragments():
    """Also cut inside characters, which the library can do with bytes that are to be a text."""
    async with open_socket() as socket:
        for whole, size in [(text(5000), 1), (text(300_000), 700), (binary(1 << 20), 10_000)]:
            await socket.send(whole[start : start + size] for start in range(0, len(whole), size))
            cases.same(await socket.recv(), whole)
        encoded = text(30_000).encode()
        await socket.send((encoded[start : start + 7] for start in range(0, len(encoded), 7)), text=True)
        cases.same(await socket.recv(), text(30_000))


async def pings_between():
    async with open_socket() as socket:

        async def pieces():
            for count in range(20):
                await asyncio.wait_for(await socket.ping(bytes([count]) * 6 * count), 10)
                yield text(1000)

        await socket.send(pieces())
        cases.same(await socket.recv(), text(1000) * 20)


async def many():
    async with open_socket() as socket:
        sent = [f"message {number}" for number in range(5000)]

        async def send():
            for message in sent:
                await socket.send(message)

        sending = asyncio.create_task(send())
        for message in sent:
            cases.same(await socket.recv(), message)
        await sending


async def at_once():
    async def one(number):
        async with open_socket() as socket:
            for length in [10, 1000, 100_000]:
                await echo(socket, f"{number} " + text(length))

    await asyncio.gather(*(one(number) for number in range(100)))


async def parameters():
    for given in [
        {"server_no_context_takeover": True},
        {"client_no_context_takeover": True},
        {"server_no_context_takeover": True, "client_no_context_takeover": True},
        {"server_max_window_bits": 9, "client_max_window_bits": 9},
        {"server_max_window_bits": 15, "client_max_window_bits": 12},
        {"client_max_window_bits": True},
        {"server_max_window_bits": 8},
    ]:
        try:
            async with open_socket(**given) as socket:
                for length in [10, 100, 100_000]:
                    for _ in range(3):
                        await echo(socket, text(length))
                        await echo(socket, binary(length))
        except Exception as error:
            raise AssertionError(f"{given}: {error}") from error


async def close_codes():
    for code, reason in [(1000, ""), (1001, "leaving"), (1011, ""), (3000, CHARACTERS), (4999, "r" * 123)]:
        async with open_socket() as socket:
            await echo(socket, "hello")
            await socket.close(code, reason)
            # Received from the server, not only sent.
            cases.same(socket.protocol.close_rcvd.code, code)


# What a client must not send, and the code that answers it.
VIOLATIONS = {
    "a text that is not UTF-8": (1007, frame(0x81, b"\xff")),
    "half a character at the end": (1007, frame(0x81, "é".encode()[:1])),
    "a surrogate, cut by a fragment": (1007, frame(0x01, b"\xed") + frame(0x80, b"\xa0\x80")),
    "an unmasked frame": (1002, frame(0x81, b"hello", masked=False)),
    "a reserved bit": (1002, frame(0xA1, b"hello")),
    "a reserved opcode": (1002, frame(0x83, b"hello")),
    "a reserved control opcode": (1002, frame(0x8B)),
    "a ping of 126 bytes": (1002, frame(0x89, bytes(126))),
    "a fragmented ping": (1002, frame(0x09)),
    "a continuation of nothing": (1002, frame(0x80, b"hello")),
    "a text inside a text": (1002, frame(0x01, b"a") + frame(0x81, b"b")),
    "a length in too many bytes": (1002, b"\x82\xfe\x00\x05\x12\x34\x56\x78"),
    "a length of 2^63": (1002, b"\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00\x12\x34\x56\x78"),
    "a close frame of one byte": (1002, frame(0x88, b"\x03")),
    "close code 1005": (1002, frame(0x88, b"\x03\xed")),
    "close code 5000": (1002, frame(0x88, b"\x13\x88")),
    "a reason that is not UTF-8": (1007, frame(0x88, b"\x03\xe8\xff")),
    "a length of 65 MiB, before its payload": (1009, frame(0x82, length=65 << 20)),
}


async def violation(code, data):
    connection = await Raw.open(URL, TLS)
    await connection.send(data)
    cases.same(await asyncio.wait_for(connection.close_code(), 10), code)
    connection.abort()


async def bomb():
    """65 MiB of zeroes in 64 KiB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(bytes(65 << 20)) + packer.flush(zlib.Z_SYNC_FLUSH)
    connection = await Raw.open(URL, TLS, "permessage-deflate")
    assert b"permessage-deflate" in connection.head, connection.head
    await connection.send(frame(0xC2, packed[:-4]))
    cases.same(await asyncio.wait_for(connection.close_code(), 20), 1009)
    connection.abort()


async def corrupt():
    connection = await Raw.open(URL, TLS, "permessage-deflate")
    await connection.send(frame(0xC2, b"\xff\xff\xff\xff"))
    code = await asyncio.wait_for(connection.close_code(), 10)
    assert code in (1002, 1007), code
    connection.abort()


async def cut_anywhere():
    """A byte at a time, from the request's last byte on."""
    connection = await Raw.open(URL, TLS)
    for octet in frame(0x01, "é€".encode()[:3]) + frame(0x89, b"?") + frame(0x80, "é€".encode()[3:]):
        await connection.send(bytes([octet]))
        await asyncio.sleep(0)
    cases.same(await connection.receive(), (0x8A, b"?"))
    cases.same(await connection.receive(), (0x81, "é€".encode()))
    connection.abort()


async def dropped():
    """Connections that end inside a frame leave the server at work."""
    for _ in range(50):
        connection = await Raw.open(URL, TLS)
        await connection.send(frame(0x82, bytes(1000), length=1 << 20))
        connection.abort()
    async with open_socket() as socket:
        await echo(socket, "still here")


async def no_upgrade():
    """A request for a page is answered with an HTTP error."""
    url = urlsplit(URL)
    reader, writer = await asyncio.open_connection(url.hostname, url.port, ssl=TLS)
    writer.write(f"GET {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nConnection: close\r\n\r\n".encode())
    line = await asyncio.wait_for(reader.readline(), 10)
    assert line.startswith(b"HTTP/1.1 4"), line
    writer.close()


every = {
    "extensions": extensions,
    "lengths from 0 to 1 MiB": lengths,
    "16 MiB": large,
    "fragments": fragments,
    "pings between fragments": pings_between,
    "5000 small": many,
    "100 connections": at_once,
    "close codes": close_codes,
    "a byte at a time": cut_anywhere,
    "connections that drop": dropped,
    "no upgrade": no_upgrade,
}
if DEFLATE:
    every |= {"parameters of compression": parameters, "a bomb": bomb, "corrupt data": corrupt}
else:
    for name, (code, data) in VIOLATIONS.items():
        every[f"{code} for {name}"] = lambda code=code, data=data: violation(code, data)
asyncio.run(cases.run_async(websockets.__version__, every))
