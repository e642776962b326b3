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


def curl(*arguments, stdin=None):
    """Runs curl; a word that starts with / is a path of ours."""
    words = [URL + word if word.startswith("/") and not os.path.exists(word) else word for word in arguments]
    return subprocess.run(
        ["curl", "-sS", "--max-time", "50", *words], stdin=stdin, stdout=subprocess.PIPE, check=True, timeout=60
    ).stdout


def gets(name, *options):
    with tempfile.NamedTemporaryFile() as head:
        body = curl(*options, "-D", head.name, f"/{name}")
        said = head.read().decode()
    cases.same("Transfer-Encoding: chunked" in said, True)
    cases.same("Content-Encoding: gzip" in said, bool(options))
    cases.same(body, file(name))


def raw():
    """Reads the framing of the body here, by a second and plainer hand."""
    rest, body = curl("--raw", "/large.txt"), bytearray()
    while True:
        line, rest = rest.split(b"\r\n", 1)
        size = int(line, 16)
        cases.same(rest[size : size + 2], b"\r\n")
        body += rest[:size]
        rest = rest[size + 2 :]
        if size == 0:
            break
    cases.same(rest, b"")
    cases.same(bytes(body), file("large.txt"))


def trailers():
    said = curl("-H", "TE: trailers", "-D", "-", "-o", "/dev/null", "/medium.txt").decode()
    cases.same("X-Body-Length: 1048576" in said.split("\r\n\r\n", 1)[1], True)


def keep_alive():
    """The second finds the first's connection open: one connection was made, then none."""
    said = curl("--compressed", "-w", "%{num_connects}", "/small.txt", "/medium.txt")
    cases.same(said, file("small.txt") + b"1" + file("medium.txt") + b"0")


def head():
    told = "%{http_code} %{size_download} %{num_connects}"
    more = ["--next", "-sS", "--max-time", "50", "-o", "/dev/null", "-w", told, "/medium.txt"]
    said = curl("-I", "-w", "%{http_code} ", "/large.txt", *more)
    cases.same(said.endswith(b"200 200 1048576 0"), True)


def not_found():
    nowhere = ["-o", "/dev/null"] * 2
    told = "%{http_code} %{num_connects} "
    cases.same(curl("--path-as-is", *nowhere, "-w", told, "/../../etc/hostname", "/small.txt"), b"404 1 200 0 ")


def upload(*options):
    with open(os.path.join(FOLDER, "large.txt"), "rb") as stdin:
        chunked = ["-H", "Transfer-Encoding: chunked"]
        cases.same(curl("-X", "POST", "-T", "-", *chunked, *options, "/upload", stdin=stdin), file("large.txt"))


def with_length():
    cases.same(curl("--data-binary", f"@{FOLDER}/noise.bin", "/upload"), file("noise.bin"))


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
