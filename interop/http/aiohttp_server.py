"""Serves files chunked, plain and compressed, with aiohttp's own writer.

Proves that our client reads the chunks of another implementation in wide use, and the zlib streams that it flushes as it likes.

usage: aiohttp_server.py FOLDER; GET /MODE/NAME
"""

import asyncio
import os
import sys

import aiohttp
from aiohttp import web

FOLDER = sys.argv[1]
CODINGS = {"gzip": web.ContentCoding.gzip, "deflate": web.ContentCoding.deflate}


async def answer(request):
    response = web.StreamResponse()
    response.enable_chunked_encoding()
    mode = request.match_info["mode"]
    if mode in CODINGS:
        response.enable_compression(CODINGS[mode])
    await response.prepare(request)
    with open(os.path.join(FOLDER, os.path.basename(request.match_info["name"])), "rb") as file:
        while data := file.read(50_000):
            await response.write(data)
    await response.write_eof()
    return response


async def main():
    app = web.Application()
    app.router.add_get("/{mode}/{name}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    _, port = runner.addresses[0]
    print(f"version {aiohttp.__version__}")
    print(f"listening on http://127.0.0.1:{port}/", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
