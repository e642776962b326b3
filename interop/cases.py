"""Runs cases one by one and says how each went, a line each, as `cargo xtask interop` reads it."""

import inspect
import time
import traceback


def run(version, cases):
    """Runs plain functions: {name: function}."""
    print(f"version {version}")
    for name, case in cases.items():
        start = time.monotonic()
        try:
            case()
            passed(name, start)
        except Exception as error:
            failed(name, start, error)
    print("done", flush=True)


async def run_async(version, cases):
    """Runs functions, some of them coroutines: {name: function}."""
    print(f"version {version}")
    for name, case in cases.items():
        start = time.monotonic()
        try:
            result = case()
            if inspect.isawaitable(result):
                await result
            passed(name, start)
        except Exception as error:
            failed(name, start, error)
    print("done", flush=True)


def passed(name, start):
    print(f"ok {time.monotonic() - start:.3f} {name}", flush=True)


def failed(name, start, error):
    where = traceback.extract_tb(error.__traceback__)[-1]
    text = " ".join(f"{type(error).__name__} {error}".split())[:300]
    took = time.monotonic() - start
    print(f"failed {took:.3f} {name}: {text} ({where.name}, line {where.lineno})", flush=True)


def same(got, wanted):
    """Fails with a short text: the values may be megabytes."""
    if got != wanted:
        raise AssertionError(f"got {short(got)}, wanted {short(wanted)}")


def short(value):
    text = repr(value[:40] if isinstance(value, (bytes, str)) else value)[:200]
    return f"{text} of {len(value)}" if isinstance(value, (bytes, str)) else text
