"""Lets curl ask our server: every file plain and compressed, trailers, kept connections, uploads.

usage: curl_client.py URL FOLDER
"""

import os
import subprocess
import sys
import tempfile

import cases

URL, FOLDER = sys.argv[1], sys.argv[2]


def file(name):
    with open(os.path.join(FOLDER, name), "rb") as opened:
        return opened.read()


def at(path):
    return f"{URL}/{path}"


def curl(*arguments, stdin=None):
    command = ["curl", "-sS", "--max-time", "50", *arguments]
    return subprocess.run(command, stdin=stdin, stdout=subprocess.PIPE, check=True, timeout=60).stdout


def gets(name, *options):
    with tempfile.NamedTemporaryFile() as head:
        body = curl(*options, "-D", head.name, at(name))
        said = head.read().decode()
    cases.same("Transfer-Encoding: chunked" in said, True)
    cases.same("Content-Encoding: gzip" in said, bool(options))
    cases.same(body, file(name))


def raw():
    """Reads the framing of the body here, by a second and plainer hand."""
    said, body, place = curl("--raw", at("large.txt")), bytearray(), 0
    while True:
        line = said.index(b"\r\n", place)
        size, place = int(said[place:line], 16), line + 2
        cases.same(said[place + size : place + size + 2], b"\r\n")
        body += said[place : place + size]
        place += size + 2
        if size == 0:
            break
    cases.same(place, len(said))
    cases.same(bytes(body), file("large.txt"))


def trailers():
    said = curl("-H", "TE: trailers", "-D", "-", "-o", "/dev/null", at("medium.txt")).decode()
    cases.same("X-Body-Length: 1048576" in said.split("\r\n\r\n", 1)[1], True)


def keep_alive():
    """The second finds the first's connection open: one connection was made, then none."""
    said = curl("--compressed", "-w", "%{num_connects}", at("small.txt"), at("medium.txt"))
    cases.same(said, file("small.txt") + b"1" + file("medium.txt") + b"0")


def head():
    told = "%{http_code} %{size_download} %{num_connects}"
    more = ["--next", "-sS", "--max-time", "50", "-o", "/dev/null", "-w", told, at("medium.txt")]
    said = curl("-I", "-w", "%{http_code} ", at("large.txt"), *more)
    cases.same(said.endswith(b"200 200 1048576 0"), True)


def not_found():
    nowhere = ["-o", "/dev/null"] * 2
    told = "%{http_code} %{num_connects} "
    cases.same(curl("--path-as-is", *nowhere, "-w", told, at("../../etc/hostname"), at("small.txt")), b"404 1 200 0 ")


def upload(*options):
    with open(os.path.join(FOLDER, "large.txt"), "rb") as stdin:
        chunked = ["-H", "Transfer-Encoding: chunked"]
        cases.same(curl("-X", "POST", "-T", "-", *chunked, *options, at("upload"), stdin=stdin), file("large.txt"))


def with_length():
    cases.same(curl("--data-binary", f"@{FOLDER}/noise.bin", at("upload")), file("noise.bin"))


CASES = {}
for each in ["large.txt", "noise.bin", "empty.txt"]:
    CASES[f"chunked {each}"] = lambda each=each: gets(each)
    CASES[f"gzip {each}"] = lambda each=each: gets(each, "--compressed")
cases.run(
    subprocess.run(["curl", "--version"], stdout=subprocess.PIPE, check=True).stdout.decode().split()[1],
    {
        **CASES,
        "the chunks are what they say": raw,
        "trailers": trailers,
        "two requests on one connection": keep_alive,
        "HEAD, then GET on the same connection": head,
        "an unknown file, then a known one": not_found,
        "chunked upload after 100 Continue": upload,
        "chunked upload at once": lambda: upload("-H", "Expect:"),
        "upload with a length": with_length,
    },
)
