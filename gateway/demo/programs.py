"""The programs that the demo runs: the sandbox provider and the gateway, each a process of its own."""

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

_LISTENING = re.compile(r"listening on (http://\S+)")


class DidNotStart(Exception):
    """A program ended before it listened; the message has what it said."""


@contextlib.contextmanager
def program(arguments: list[str], environ: Mapping[str, str], log: Path) -> Iterator[str]:
    """Runs `housestyle ARGUMENTS`; the URL that it listens on. Ended with the block; its log is in `log`."""
    with log.open("wb") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own words
            [sys.executable, "-m", "gateway", *arguments],
            env=dict(environ),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,  # a Ctrl-C is for the demo, which ends them in order
        )
    try:
        yield _url(process, arguments[0], log)
    finally:
        process.terminate()
        process.communicate(timeout=60)


def _url(process: "subprocess.Popen[str]", name: str, log: Path) -> str:
    assert process.stdout is not None  # noqa: S101 - opened as a pipe
    for line in process.stdout:
        found = _LISTENING.search(line)
        if found:
            return found[1]
    process.wait()
    said = log.read_text(errors="replace").strip()
    raise DidNotStart(f"`housestyle {name}` did not start:\n{said or '(it said nothing)'}")
