"""Real processes for tests: the gateway, the sandbox provider, an embedded Redis. Each says where it listens."""

import base64
import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO

ADMIN_KEY = "hs_admin_key_of_the_tests"
_LISTENING = re.compile(r"listening on (https?://\S+)(?: and for admins on (http://\S+))?")
_START_SECONDS = 60.0


class Program:
    """A `housestyle` command under way. `url` is where it listens, `admin_url` where for admins; `log` what it wrote to
    standard error."""

    def __init__(self, arguments: list[str], environ: Mapping[str, str], log: Path) -> None:
        self.log = log
        self._errors: IO[bytes] = log.open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gateway", *arguments],
            env={**_clean(), **environ},
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            bufsize=1,
        )
        try:
            self.url, self.admin_url = self._wait_for_urls()
        except BaseException:
            self.process.kill()
            self._end()
            raise

    def _wait_for_urls(self) -> tuple[str, str]:
        assert self.process.stdout is not None
        said: list[str] = []
        for line in self.process.stdout:
            said.append(line)
            found = _LISTENING.search(line)
            if found:
                return found[1], found[2] or found[1]
        code = self.process.wait(30)
        raise RuntimeError(f"ended with {code}: {''.join(said)}{self.log.read_text(errors='replace')[-2000:]}")

    def kill(self) -> None:
        """Ends it as `kill -9` does."""
        self.process.kill()
        self._end()

    def stop(self) -> None:
        """Ends it as an operator does."""
        self.process.send_signal(signal.SIGTERM)
        self._end()

    def _end(self) -> None:
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._errors.close()


@contextlib.contextmanager
def running(arguments: list[str], environ: Mapping[str, str], log: Path) -> Iterator[Program]:
    """The command, stopped at the end if nobody ended it before."""
    program = Program(arguments, environ, log)
    try:
        yield program
    finally:
        if program.process.poll() is None:
            program.stop()


def wait_until(condition: Callable[[], bool], seconds: float = 30.0, what: str = "the condition") -> None:
    """Polls, with a deadline: the only waiting that tests do."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {seconds} s")
        time.sleep(0.01)


def children(pid: int) -> dict[int, str]:
    """Every process below `pid`, with its command line."""
    found: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if int(parent) == pid and state != "Z":
            found[int(entry.name)] = command
            found |= children(int(entry.name))
    return found


def gone(pids: list[int]) -> bool:
    """Whether none of the processes runs."""
    return not any(_runs(pid) for pid in pids)


def _runs(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:  # it ended, perhaps while it was looked at
        return False


def gateway_environ(data_dir: Path, **more: str) -> dict[str, str]:
    """The settings of a gateway whose provider is on this machine."""
    return {
        "HOUSESTYLE_DATA_DIR": str(data_dir),
        "HOUSESTYLE_ADMIN_KEY": ADMIN_KEY,
        "HOUSESTYLE_UPSTREAM_ALLOW": "127.0.0.0/8",
        "HOUSESTYLE_POLL_SECONDS": "0.1",
        "OTEL_TRACES_EXPORTER": "none",
        "OPENAI_ORG_ID": "org-of-the-operator",  # the SDK would send it with a tenant's key
        **more,
    }


def shared_environ(redis_url: str, folder: Path, **more: str) -> dict[str, str]:
    """The settings of gateways on one Redis that is not their own; what they share beside it lies in `folder`."""
    return gateway_environ(
        folder,
        HOUSESTYLE_REDIS_URL=redis_url,
        HOUSESTYLE_ENCRYPTION_KEYS=base64.b64encode(b"k" * 32).decode(),
        HOUSESTYLE_ARTIFACTS_URL=(folder / "artifacts").as_uri(),
        **more,
    )


def _clean() -> dict[str, str]:
    """This environment without what would change a gateway's behaviour."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("HOUSESTYLE_", "OTEL_"))}
