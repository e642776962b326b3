"""Our examples, which are built already, against other people's programs, each with an end: none outlives this process.

Says how each case went in a line, as `cargo xtask interop` and `cargo xtask autobahn` read it: `ok SECONDS NAME`,
`failed SECONDS NAME: REASON` or `skipped 0 NAME: REASON`; at the end `done`.

usage: run.py TARGET-FOLDER EXAMPLES-FOLDER http|ws
       run.py TARGET-FOLDER EXAMPLES-FOLDER autobahn CASES
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import cases

INTEROP = Path(__file__).resolve().parent
TARGET, EXAMPLES = (Path(argument).resolve() for argument in sys.argv[1:3])
FOLDER = TARGET / "interop"
FILES = FOLDER / "files"
PATHS = os.environ["PATH"] + ":/usr/sbin"
ENVIRONMENT = os.environ | {
    "PYTHONPATH": str(INTEROP), "PYTHONDONTWRITEBYTECODE": "1", "INTEROP_NODE": str(FOLDER / "node"), "PATH": PATHS,
}
# How long a server may take until it listens, and a program for its cases, in seconds.
START_MAX, CASES_MAX, AUTOBAHN_MAX = 30, 100, 3600
ASSEMBLIES = ["segmented", "contiguous"]
SUITE = "autobahntestsuite==25.10.1"


def ending_with_us(command):
    return ["setpriv", "--pdeathsig", "KILL", "--", *map(str, command)]


def example(name, *arguments):
    return [EXAMPLES / name, *arguments]


def script(name):
    if name.endswith(".py"):
        return [FOLDER / "venv/bin/python", "-u", INTEROP / name]
    return ["node", INTEROP / name]


def missing(name, *programs):
    """Says what a script of a peer needs and this machine lacks."""
    needs = {".py": (FOLDER / "venv", ()), ".mjs": (FOLDER / "node/node_modules/ws", ("node",))}
    packages, more = needs[Path(name).suffix]
    lacking = [program for program in (*programs, *more) if not shutil.which(program, path=PATHS)]
    return lacking + ([] if packages.exists() else [f"{packages} with its packages"])


absent = set()


def here(peer, name, *programs):
    """Whether a peer can be talked to; says once why not, otherwise."""
    lacking = missing(name, *programs)
    if lacking and peer not in absent:
        absent.add(peer)
        print(f"skipped 0 {peer}: without {', '.join(lacking)} (interop/install.sh installs it)", flush=True)
    return not lacking


def run(command, seconds=CASES_MAX):
    return subprocess.run(ending_with_us(command), env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, errors="replace", timeout=seconds)


def case(name, function):
    start = time.monotonic()
    try:
        function()
        cases.passed(name, start)
    except Exception as error:
        cases.failed(name, start, error)


def guarded(name, function):
    """Runs what says itself how its cases go, and fails where that breaks off."""
    start = time.monotonic()
    try:
        function()
    except Exception as error:
        cases.failed(name, start, error)


def cases_of(peer, prefix, command):
    """Passes on what a script says of its cases. It ends in `done`, after at least one of them, or something is missing."""
    start, count, is_done, complaint = time.monotonic(), 0, False, ""
    try:
        said = run(command)
    except Exception as error:
        return cases.failed(f"{peer}: {prefix}the script", start, error)
    for line in said.stdout.splitlines():
        verdict, _, rest = line.partition(" ")
        if verdict == "version":
            peer = f"{peer} {rest}"
        elif verdict in ("ok", "failed"):
            seconds, _, name = rest.partition(" ")
            print(f"{verdict} {seconds} {peer}: {prefix}{name}", flush=True)
            count += 1
        else:
            is_done = is_done or line == "done"
    if not (is_done and count):
        complaint = (said.stderr.strip().splitlines() or ["(nothing)"])[-1]
        print(f"failed 0 {peer}: {prefix}the script: ended after {count} cases: {complaint}", flush=True)


class Server:
    """A server that says where it listens in a line that ends in `HOST:PORT` or in an URL; ended at the end of the block."""

    def __init__(self, name, command, authority=None):
        self.name, self.command, self.authority, self.version = name, command, authority, ""

    def __enter__(self):
        (FOLDER / "logs").mkdir(parents=True, exist_ok=True)
        with open(FOLDER / "logs" / f"{self.name}.log", "wb") as log:
            self.process = subprocess.Popen(ending_with_us(self.command), env=ENVIRONMENT, stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=log, text=True)
        # Reads on to the end: a full pipe would stop the server.
        threading.Thread(target=self.listen, daemon=True).start()
        deadline = time.monotonic() + START_MAX
        while not self.is_up():
            if time.monotonic() > deadline or self.process.poll() is not None:
                self.process.kill()
                raise RuntimeError(f"{self.name} does not listen, see {FOLDER / 'logs'}")
            time.sleep(0.02)
        return self

    def listen(self):
        for line in self.process.stdout:
            word = line.split()[-1:] and line.split()[-1].split("//")[-1].rstrip("/")
            if line.startswith("version "):
                self.version = " " + line.split(" ", 1)[1].strip()
            elif word and word.rpartition(":")[2].isdigit() and not self.authority:
                self.authority = word

    def is_up(self):
        if not self.authority:
            return False
        host, _, port = self.authority.rpartition(":")
        try:
            socket.create_connection((host, int(port)), 5).close()
            return True
        except OSError:
            return False

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


# HTTP: `fetch` against servers, clients against `serve` and `proxy`, and gzip files.

# Name, script, programs; paths whose last part is the file that is to arrive; those with a line in the trailers; those that
# are refused with these words, because the server breaks a rule or its promise.
HTTP_SERVERS = [
    ("Python http.server", "http/stdlib_server.py", [],
     "chunked/large.txt chunked/noise.bin chunked/empty.txt bytes/small.txt extensions/small.txt length/noise.bin "
     "close/medium.txt gzip/large.txt gzip/noise.bin gzip/empty.txt members/medium.txt zlib/medium.txt raw/medium.txt "
     "twice/medium.txt interim/small.txt",
     {"trailers/medium.txt": "x-body-length: 1048576"},
     {"cut/medium.txt": "ended early", "short/medium.txt": "ended early", "bad-size/medium.txt": "not hexadecimal",
      "bad-crc/medium.txt": "checksum", "cut-gzip/medium.txt": "truncated", "both/medium.txt": "both content length"}),
    ("aiohttp", "http/aiohttp_server.py", [],
     "chunked/large.txt gzip/large.txt gzip/noise.bin gzip/empty.txt deflate/medium.txt", {}, {}),
    ("Node.js", "http/node_server.mjs", [],
     "chunked/large.txt gzip/large.txt deflate/medium.txt interim/medium.txt",
     {"trailers/medium.txt": "x-body-length: 1048576"}, {}),
    # Paths as nginx.conf knows them.
    ("nginx", "http/nginx_server.py", ["nginx"],
     "gzip/large.txt gzip/noise.bin gzip/small.txt gzip/empty.txt plain/large.txt proxy/large.txt proxy/empty.txt "
     "proxy-gzip/large.txt proxy-gunzip/large.txt proxy-then-gzip/large.txt",
     {"trailers/large.txt": "x-served-by: nginx"}, {}),
]
HTTP_CLIENTS = [("curl", "http/curl_client.py", ["curl"]), ("Python http.client", "http/stdlib_client.py", []),
                ("aiohttp", "http/aiohttp_client.py", []), ("Node.js", "http/node_client.mjs", [])]


def write_files():
    """Letters that compress to about half, noise that does not, and files of few bytes and of none."""
    FILES.mkdir(parents=True, exist_ok=True)
    letters = b"segment pool socket chunk frame window page slab body trailer \n "
    noise = bytearray()
    state = 0x5EED
    # Knuth's MMIX generator; its upper bits are the good ones.
    for _ in range(1 << 20):
        state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        noise.append(state >> 56)
    medium = bytes(noise).translate(bytes(letters[byte >> 2] for byte in range(256)))
    # Each part starts elsewhere, so that no window of a compressor reaches its copy.
    large = b"".join(medium[at << 16:] + medium[: at << 16] for at in range(16))
    contents = {"large.txt": large, "medium.txt": medium, "small.txt": medium[:1000], "empty.txt": b"", "noise.bin": noise}
    for name, content in contents.items():
        (FILES / name).write_bytes(content)


def fetch(server, path, trailer=None, refused=None):
    """Fetches a page in each of the three ways and compares what came with the file."""
    for assembly in ["streamed", "segmented", "contiguous"]:
        fetched = FOLDER / "fetched"
        got = run(example("fetch", f"http://{server.authority}/{path}", "--output", fetched, "--assembly", assembly))
        said = got.stderr.strip().lower()
        if refused:
            assert got.returncode != 0 and refused in said, f"{assembly}: not refused as {refused}: {said}"
            continue
        assert got.returncode == 0, f"{assembly}: {said}"
        assert fetched.read_bytes() == (FILES / path.rpartition("/")[2]).read_bytes(), f"{assembly}: not the file"
        assert not trailer or f"trailer {trailer}" in said, f"{assembly}: no trailer {trailer}: {said}"


def ask_http_server(ours, name, path, pages, trailers, refused):
    with Server(name, [*script(path), FILES, ours.authority, FOLDER]) as server:
        start = f"{name}{server.version}: fetch "
        for page in pages.split():
            case(f"{start}{page}", lambda: fetch(server, page))
        for page, line in trailers.items():
            case(f"{start}{page}, with its trailer", lambda: fetch(server, page, trailer=line))
        for page, why in refused.items():
            case(f"{start}{page} is refused", lambda: fetch(server, page, refused=why))


def both_ends():
    said = run(example("hyper_body")).stdout
    assert said.startswith("200 OK: 1120000 bytes") and "x-lines" in said, f"it said {said}"


def http():
    write_files()
    with Server("serve", example("serve", FILES, "--listen", "127.0.0.1:0")) as ours:
        for name, path, programs, *pages in HTTP_SERVERS:
            if here(name, path, *programs):
                guarded(name, lambda: ask_http_server(ours, name, path, *pages))
        with Server("proxy", example("proxy", ours.authority, "--listen", "127.0.0.1:0")) as proxy:
            for front, authority in (("serve", ours.authority), ("proxy before serve", proxy.authority)):
                for name, path, programs in HTTP_CLIENTS:
                    if here(name, path, *programs):
                        cases_of(name, f"{front}: ", [*script(path), f"http://{authority}", FILES])
    if here("gzip", "http/gzip_files.py", "gzip"):
        cases_of("gzip", "gunzip: ", [*script("http/gzip_files.py"), *example("gunzip"), FILES])
    # hyper is a crate, so the example is both ends.
    case("hyper: both ends with our bodies", both_ends)


# WebSocket: clients and a browser against our servers, our client against servers.

OURS = [("echo", "echo_server"), ("echo contiguous", "echo_server", "--assembly", "contiguous"),
        ("echo --deflate", "echo_server", "--deflate"),
        ("echo --deflate --blocking", "echo_server", "--deflate", "--blocking"), ("hyper", "hyper_server")]
CHAIN, KEY = FOLDER / "localhost.pem", FOLDER / "localhost.key"
# As chromium.mjs takes them: without compression, with it, the chat, and with compression over TLS.
BROWSED = [OURS[0][1:], OURS[2][1:], ("chat",), ("axum_tls_server", CHAIN, KEY)]
WS_CLIENTS = [("Python websockets", "ws/websockets_client.py"), ("npm ws", "ws/ws_client.mjs")]
WS_SERVERS = [("Python websockets", "ws/websockets_server.py"), ("npm ws", "ws/ws_server.mjs")]
# What our client offers.
OFFERS = [[], ["--deflate"], ["--deflate", "--reset"], ["--deflate", "--window", "9"]]


def make_certificate():
    """Of this machine, and no authority: whoever trusts it is told to."""
    request = FOLDER / "localhost.cnf"
    request.write_text("[req]\ndistinguished_name = name\nx509_extensions = end\nprompt = no\n[name]\nCN = localhost\n"
                       "[end]\nsubjectAltName = IP:127.0.0.1\nbasicConstraints = critical, CA:FALSE\n")
    made = run(["openssl", "req", "-x509", "-config", request, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                "-nodes", "-days", "2", "-keyout", KEY, "-out", CHAIN])
    assert made.returncode == 0, made.stderr


def ask_with_clients(name, url, *options):
    for peer, path in WS_CLIENTS:
        if here(peer, path):
            cases_of(peer, f"{name}: ", [*script(path), url, *options])


def ask_our_server(name, program, *options):
    with Server(name, example(program, "127.0.0.1:0", *options)) as ours:
        ask_with_clients(name, f"ws://{ours.authority}/", *(option for option in options if option == "--deflate"))


def ask_over_tls():
    with Server("tls", example("tls_server", "127.0.0.1:0", CHAIN, KEY)) as ours:
        ask_with_clients("tls", f"wss://{ours.authority}/", "--ca", CHAIN)


def ask_through_proxy():
    """axum with compression, and nginx before it, which speaks TLS."""
    with Server("axum", example("axum_server", "127.0.0.1:0")) as axum:
        command = [*script("ws/nginx_proxy.py"), axum.authority, CHAIN, KEY, FOLDER]
        with Server("nginx with TLS", command) as nginx:
            name, url = f"axum, nginx{nginx.version} with TLS", f"wss://{nginx.authority}/echo"
            ask_with_clients(name, url, "--deflate", "--ca", CHAIN)


def ask_in_browser():
    """Pages in a browser against the echo servers, axum over TLS, and the chat page."""
    with contextlib.ExitStack() as servers:
        listening = [servers.enter_context(Server(f"browser {index}", example(program, "127.0.0.1:0", *options)))
                     for index, (program, *options) in enumerate(BROWSED)]
        authorities = [server.authority for server in listening]
        cases_of("Chromium", "", [*script("ws/chromium.mjs"), shutil.which("chromium"), f"{FOLDER}/", *authorities])


def ask_ws_server(name, path, scheme):
    with Server(name, [*script(path), *([CHAIN, KEY] if scheme == "wss" else [])]) as server:
        for offer in OFFERS if scheme == "ws" else [OFFERS[1]]:
            prefix = " ".join(["exercise", *(["--ca"] if scheme == "wss" else []), *offer])
            trust = ["--ca", CHAIN] if scheme == "wss" else []
            command = example("exercise", f"{scheme}://{server.authority}", *trust, *offer)
            cases_of(f"{name}{server.version}", f"{prefix}: ", command)


def ws():
    for ours in OURS:
        guarded(ours[0], lambda: ask_our_server(*ours))
    case("a certificate", make_certificate)
    guarded("tls", ask_over_tls)
    if here("nginx", "ws/nginx_proxy.py", "nginx"):
        guarded("nginx", ask_through_proxy)
    if here("Chromium", "ws/chromium.mjs", "chromium"):
        guarded("Chromium", ask_in_browser)
    for (name, path), scheme in [(server, scheme) for server in WS_SERVERS for scheme in ["ws", "wss"]]:
        if here(name, path):
            guarded(name, lambda: ask_ws_server(name, path, scheme))


# Autobahn: the suite from its registry, under a Python 2.7, in a folder of ours.


def python2():
    found = subprocess.run(["pyenv", "root"], capture_output=True, text=True).stdout if shutil.which("pyenv") else "/nowhere"
    pythons = sorted(Path(found.strip()).glob("versions/2.7*/bin/python"))
    return pythons[0] if pythons else shutil.which("python2.7")


def install(python, packages):
    if not (packages / "autobahntestsuite").is_dir():
        command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", packages, SUITE]
        return run(command, 300).returncode == 0
    return True


def wstest(python, mode, name, spec, globs):
    out = FOLDER / "autobahn" / name
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    spec |= {"outdir": str(out), "cases": globs.split(","), "exclude-cases": [], "exclude-agent-cases": {}}
    path = out.with_suffix(".json")
    path.write_text(json.dumps(spec))
    start = ("import site; site.addsitedir(%r); from autobahntestsuite import wstest; wstest.run()"
             % str(FOLDER / "autobahn/packages"))
    # A port of 0 is no page about the suite.
    return [python, "-c", start, "-m", mode, "-u", "0", "-s", path]


def ends_well(command):
    said = run(command, AUTOBAHN_MAX)
    assert said.returncode == 0, (said.stderr.strip().splitlines() or ["(nothing)"])[-1]


def autobahn_server(python, name, options, globs):
    server = example("echo_server", "127.0.0.1:0", "--deflate", *options)
    with Server(f"autobahn-{name}", server) as ours:
        spec = {"servers": [{"agent": "peer", "url": f"ws://{ours.authority}"}]}
        ends_well(wstest(python, "fuzzingclient", f"server-{name}", spec, globs))


def autobahn_client(python, assembly, globs):
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = "127.0.0.1:%s" % free.getsockname()[1]
    command = wstest(python, "fuzzingserver", f"client-{assembly}", {"url": f"ws://{address}"}, globs)
    with Server("wstest", command, address):
        ends_well(example("autobahn_client", address, "--assembly", assembly))


def autobahn(globs):
    python = python2()
    if not python:
        return print("skipped 0 autobahn: no Python 2.7 (pyenv install 2.7.18)", flush=True)
    if not install(python, FOLDER / "autobahn/packages"):
        return print(f"skipped 0 autobahn: cannot install {SUITE}", flush=True)
    servers = [(assembly, ["--assembly", assembly]) for assembly in ASSEMBLIES] + [("blocking", ["--blocking"])]
    for name, options in servers:
        case(f"autobahn: server, {name}, runs", lambda: autobahn_server(python, name, options, globs))
    for assembly in ASSEMBLIES:
        case(f"autobahn: client, {assembly}, runs", lambda: autobahn_client(python, assembly, globs))


{"http": http, "ws": ws, "autobahn": autobahn}[sys.argv[3]](*sys.argv[4:])
print("done", flush=True)
