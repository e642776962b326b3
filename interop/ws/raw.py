"""A WebSocket client of a few lines that may break every rule, for what no library sends."""

import asyncio
import base64
import os
import struct
from urllib.parse import urlsplit

MASK = b"\x12\x34\x56\x78"


def frame(first, payload=b"", *, length=None, masked=True):
    """Makes a frame: its first octet, its payload, and a length that may be a lie."""
    length = len(payload) if length is None else length
    bit = 0x80 if masked else 0
    if length < 126:
        head = bytes([first, bit | length])
    elif length < 1 << 16:
        head = bytes([first, bit | 126]) + struct.pack(">H", length)
    else:
        head = bytes([first, bit | 127]) + struct.pack(">Q", length)
    if not masked:
        return head + payload
    mask = (MASK * (len(payload) // 4 + 1))[: len(payload)]
    return head + MASK + (int.from_bytes(payload) ^ int.from_bytes(mask)).to_bytes(len(payload))


class Raw:
    """A connection after its handshake."""

    @classmethod
    async def open(cls, url, tls=None, extensions=None):
        self, url = cls(), urlsplit(url)
        self.reader, self.writer = await asyncio.open_connection(url.hostname, url.port, ssl=tls)
        key = base64.b64encode(os.urandom(16)).decode()
        offer = f"Sec-WebSocket-Extensions: {extensions}\r\n" if extensions else ""
        self.writer.write(
            f"GET {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{offer}\r\n".encode()
        )
        self.head = await self.reader.readuntil(b"\r\n\r\n")
        return self

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def receive(self):
        """Returns the first octet and the payload of a frame."""
        first, length = await self.reader.readexactly(2)
        if length == 126:
            (length,) = struct.unpack(">H", await self.reader.readexactly(2))
        elif length == 127:
            (length,) = struct.unpack(">Q", await self.reader.readexactly(8))
        return first, await self.reader.readexactly(length)

    async def close_code(self):
        """Skips to the close frame; returns its code, or None without one. Nothing may follow it."""
        while True:
            first, payload = await self.receive()
            if first == 0x88:
                break
        rest = await self.reader.read()
        assert rest == b"", f"behind the close frame: {rest[:20]!r}"
        return struct.unpack(">H", payload[:2])[0] if payload else None

    def abort(self):
        self.writer.transport.abort()
