"""Decodes every gzip file of the system with our `gunzip` and with `gzip -dc`.

usage: gzip_files.py GUNZIP FOLDER
"""

import os
import subprocess
import sys
import tempfile

import cases

GUNZIP, FOLDER = sys.argv[1], sys.argv[2]
# Where packages leave compressed documentation.
SYSTEM = "/usr/share"
# Files that are decoded in one go.
BATCH = 500


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=60).stdout


def compare(files):
    """Names the first file that differs."""
    if output("gzip", "-dc", *files) != output(GUNZIP, *files):
        for name in files:
            cases.same((name, output(GUNZIP, name)), (name, output("gzip", "-dc", name)))


def found():
    for folder, _, names in os.walk(SYSTEM):
        paths = [os.path.join(folder, name) for name in names if name.endswith(".gz")]
        yield from (path for path in paths if os.path.isfile(path) and not os.path.islink(path))


FILES = sorted(found())


def system():
    cases.same(bool(FILES), True)
    for start in range(0, len(FILES), BATCH):
        compare(FILES[start : start + BATCH])


def levels():
    for level in ["-1", "-6", "-9"]:
        with tempfile.NamedTemporaryFile(suffix=".gz") as packed:
            packed.write(output("gzip", level, "-c", os.path.join(FOLDER, "large.txt")))
            packed.flush()
            compare([packed.name])


cases.run(
    output("gzip", "--version").decode().split()[1],
    {f"{len(FILES)} files below {SYSTEM}": system, "large file, each level": levels},
)
