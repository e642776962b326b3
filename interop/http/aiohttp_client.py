"""Asks our server with aiohttp, whose parser is llhttp (in C), the one of Node.js too.

Proves that it reads our chunks and decompresses our gzip while they come, and that we read what it uploads.

usage: aiohttp_client.py URL FOLDER
"""

import asyncio
import os
import sys

import aiohttp

import cases

URL, FOLDER = sys.argv[1].rstrip("/"), sys.argv[2]
NAMES = ["large.txt", "noise.bin", "empty.txt", "small.txt"]


def file(name):
    with open(os.path.join(FOLDER, name), "rb") as opened:
        return opened.read()


async def main():
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(timeout=timeout) as session:

        async def get(name, coding):
            async with session.get(f"{URL}/{name}", headers={"Accept-Encoding": coding}) as response:
                cases.same(response.headers.get("Transfer-Encoding"), "chunked")
                cases.same(response.headers.get("Content-Encoding"), {"gzip": "gzip"}.get(coding))
                cases.same(await response.read(), file(name))

        async def chunked():
            for name in NAMES:
                await get(name, "identity")

        async def compressed():
            for name in NAMES:
                await get(name, "gzip")

        async def at_once():
            await asyncio.gather(*(get(name, coding) for name in NAMES * 8 for coding in ["identity", "gzip"]))

        async def pieces(data):
            for start in range(0, len(data), 30_000):
                yield data[start : start + 30_000]

        async def upload(expect):
            data = file("large.txt")
            async with session.post(URL, data=pieces(data), expect100=expect) as response:
                cases.same(await response.read(), data)

        await cases.run_async(
            aiohttp.__version__,
            {
                "chunked": chunked,
                "gzip": compressed,
                "64 requests at once": at_once,
                "chunked upload": lambda: upload(False),
                "chunked upload after 100 Continue": lambda: upload(True),
            },
        )


asyncio.run(main())
