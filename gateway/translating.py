"""The gateway's side of the translator: the credential that goes along with a call, and the child process, started on
first need and started again when it is gone. What it says is in `translator/`; that package is never imported here. One
that runs by itself is in `translator_link.py`.

Each gateway process has a translator of its own, about 250 MB and 5 to 10 s of CPU to start; one that translates
nothing has none.
"""

import asyncio
import base64
import contextlib
import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import structlog

from gateway import translator_program
from gateway.errors import GatewayError
from gateway.masked import SecretBytes
from gateway.upstream.addresses import Network, Origin

log = structlog.get_logger(__name__)

CREDENTIAL_HEADER = b"x-housestyle-provider"

_START_SECONDS = 120.0
_GRACE_SECONDS = 10.0
_HEALTHY_SECONDS = 60.0
_MAX_PAUSE = 60.0


def credential_header(kind: str, base_url: str, api_key: str | None, options: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """The header that tells the translator whom to ask, and as whom. Compiled once for each provider.

    `options` by kind: bedrock `region`, and `access_key_id` (then `api_key` is the secret access key, else a Bedrock
    API key), `session_token`; vertex `project`, `location` (`api_key` is a service account's JSON); litellm
    `provider`, litellm's name of the one provider that the key is for.
    """
    names = ("region", "access_key_id", "session_token", "project", "location", "provider")
    told = {name: options[name] for name in names if options.get(name)}
    credential = msgspec.json.encode(
        {"kind": kind, "api_key": None if api_key is None else str(api_key), "base_url": base_url, "options": told}
    )
    return CREDENTIAL_HEADER, SecretBytes(base64.b64encode(credential))


def pause(failures: int) -> float:
    """Seconds to wait before the next start after so many failures in a row: one is made good at once."""
    return min(_MAX_PAUSE, 2.0 ** (failures - 2)) if failures > 1 else 0.0


class Translator:
    """One for a gateway process. `python` has litellm, or is None where there is none; `directory` is this process's
    own, mode 0700, its path short enough for a socket."""

    def __init__(
        self,
        python: Path | None,
        directory: Path,
        allowed: Sequence[Network],
        environ: Mapping[str, str],
    ) -> None:
        self._python = python
        self.directory = directory
        self._allowed = tuple(allowed)
        self._environ = environ
        self._origin = Origin("http", "translator", 80, unix=str(directory / "translator.sock"))
        self._process: asyncio.subprocess.Process | None = None
        self._starting: asyncio.Task[None] | None = None
        self._started = 0.0
        self._failures = 0
        self._not_before = 0.0
        self._closed = False

    async def ready(self) -> Origin:
        """Where it answers; started first where it does not run. Any number may wait at once, and may be cancelled.

        Raises GatewayError `upstream_unreachable`, in words that say what to do, and `draining` once it is closed.
        """
        if self._process is not None and not _has_ended(self._process):
            return self._origin
        if self._closed:
            raise GatewayError("draining")
        if self._python is None:
            raise GatewayError("upstream_unreachable", translator_program.HOW)
        if self._starting is None:
            self._starting = asyncio.create_task(self._start(self._python))
            self._starting.add_done_callback(self._ended)
        starting = self._starting
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            if starting.cancelled():  # by `close`, not by whoever waits here
                raise GatewayError("draining") from None
            raise
        return self._origin

    async def close(self) -> None:
        """Ends it. It is not started again."""
        self._closed = True
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait({self._starting})
        if self._process is not None:
            await _end(self._process)
            self._process = None

    def _ended(self, starting: "asyncio.Task[None]") -> None:
        self._starting = None
        if not starting.cancelled():
            starting.exception()  # every waiter may have left by now

    async def _start(self, python: Path) -> None:
        await self._note_death()
        if time.monotonic() < self._not_before:
            raise GatewayError("upstream_unreachable", "The translator keeps ending; it is started again in a moment.")
        log.info("translator_starting")
        begun = time.monotonic()
        try:
            self._process = await self._spawn(python)
        except OSError as error:
            self._note_failure()
            log.error("translator_not_started", cause=str(error.strerror))
            words = f"The translator cannot be started. {translator_program.HOW}"
            raise GatewayError("upstream_unreachable", words) from None
        self._started = time.monotonic()
        log.info("translator_started", seconds=round(self._started - begun, 1), pid=self._process.pid)

    async def _spawn(self, python: Path) -> asyncio.subprocess.Process:
        """The child, answering on its socket. Raises OSError; when it is cancelled, the child is ended."""
        options = ("--socket", self._origin.unix)
        program = translator_program.prepare(python, self.directory, self._allowed, self._environ, options)
        process = await asyncio.create_subprocess_exec(
            *program.command,
            env=program.environ,
            cwd=program.home,
            stdin=asyncio.subprocess.PIPE,  # its end, ours too, is the child's word to leave
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C is for the gateway, which ends this one
        )
        assert process.stdout is not None  # noqa: S101 - a pipe, as asked for
        try:
            async with asyncio.timeout(_START_SECONDS):
                said = await process.stdout.readline()
        except TimeoutError:
            await _end(process)
            raise OSError(0, f"not ready after {_START_SECONDS:.0f} s") from None
        except BaseException:
            await _end(process)
            raise
        if said != b"ready\n":
            await _end(process)
            raise OSError(0, f"ended with code {process.returncode}; its words are on standard error")
        return process

    async def _note_death(self) -> None:
        """Takes note of one that has died since the last call."""
        if self._process is None:
            return
        log.error("translator_died", code=await self._process.wait())
        self._process = None
        if time.monotonic() - self._started > _HEALTHY_SECONDS:
            self._failures = 0
        self._note_failure()

    def _note_failure(self) -> None:
        self._failures += 1
        self._not_before = time.monotonic() + pause(self._failures)


def _has_ended(process: asyncio.subprocess.Process) -> bool:
    """Whether it has. The kernel knows before the event loop hears of it, and no call is to go to one that is gone."""
    if process.returncode is not None:
        return True
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:  # the event loop is about to say so
        return True


async def _end(process: asyncio.subprocess.Process) -> None:
    """Asks it to leave; ends it where it does not."""
    assert process.stdin is not None  # noqa: S101 - a pipe, as asked for
    if not process.stdin.is_closing():
        process.stdin.write(b".")  # a gateway that was killed says nothing
    process.stdin.close()
    try:
        async with asyncio.timeout(_GRACE_SECONDS):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
