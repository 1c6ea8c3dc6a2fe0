"""Previews of jobs, made in a process of its own: one at a time, ended where it takes too long, kept for some minutes.

The gateway's own process only waits. What a preview says is the job manager's (finetune/previewing.py); what the child
does with an order is in `preview_root.py`.
"""

import asyncio
import contextlib
import hashlib
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace

from finetune.values import Job, Preview
from finetune.vaults import Source
from gateway.errors import GatewayError

log = structlog.get_logger(__name__)

SECONDS = 60.0
COMMAND = (sys.executable, "-m", "gateway", "preview")
_TURN_SECONDS = 15.0
_KEPT_SECONDS = 300.0
_MOST_KEPT = 32
# Neither the gateway's own secrets, nor an operator's account of a provider's.
_NOT_THE_CHILDS = ("HOUSESTYLE_", "OPENAI_", "OTEL_")


class Order(Struct, frozen=True):
    """All that the child is told, on its standard input. `roots` and `allow` (networks) bound where the Vault may lie;
    it ends itself after `seconds`."""

    source: Source
    roots: tuple[str, ...]
    allow: tuple[str, ...]
    job: Job
    known_ready: int
    seconds: float

    def __repr__(self) -> str:
        return f"Order({self.job.tenant})"  # never a secret


class Refused(Struct, frozen=True, tag="refused"):
    """Why there is none, for whoever asked."""

    code: Literal["vault_unreadable", "vault_not_allowed", "invalid_field"]
    message: str
    param: str | None = None


class Made(Struct, frozen=True, tag="made"):
    """A preview."""

    preview: Preview


class Previewer:
    """Has previews made, each within `seconds`; whoever waits longer than `turn_seconds` for their turn is sent away.

    `command` is the child; `environ` is for it, and it gets what it needs of it.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        command: Sequence[str] = COMMAND,
        seconds: float = SECONDS,
        turn_seconds: float = _TURN_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        kept = {name: value for name, value in environ.items() if not name.startswith(_NOT_THE_CHILDS)}
        self._environ = {**kept, "OPENBLAS_NUM_THREADS": "1"}
        self._command = command
        self._seconds = seconds
        self._turn_seconds = turn_seconds
        self._clock = clock
        self._turn = asyncio.Lock()
        self._kept: OrderedDict[str, tuple[float, Preview]] = OrderedDict()

    async def preview(self, order: Order) -> Preview:
        """The preview of the order's job. Raises GatewayError."""
        key = _key(order)
        known = self._known(key)
        if known is not None:
            return known
        try:
            async with asyncio.timeout(self._turn_seconds):
                await self._turn.acquire()
        except TimeoutError:
            raise GatewayError("preview_busy") from None
        try:
            return self._known(key) or self._keep(key, await self._made(order))
        finally:
            self._turn.release()

    def _known(self, key: str) -> Preview | None:
        at, preview = self._kept.get(key, (0.0, None))
        return preview if preview is not None and self._clock() < at + _KEPT_SECONDS else None

    def _keep(self, key: str, preview: Preview) -> Preview:
        self._kept.pop(key, None)
        self._kept[key] = (self._clock(), preview)
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return preview

    async def _made(self, order: Order) -> Preview:
        tenant, began = order.job.tenant, self._clock()
        raw = msgspec.json.encode(replace(order, seconds=self._seconds))
        try:
            async with asyncio.timeout(self._seconds):
                code, said = await self._asked(raw)
        except TimeoutError:
            log.warning("preview_timed_out", tenant=tenant, seconds=self._seconds)
            words = f"The preview was not made within {self._seconds:g} seconds; a job has no such limit."
            raise GatewayError("preview_timed_out", words) from None
        try:
            answer = msgspec.json.decode(said, type=Made | Refused)
        except msgspec.DecodeError:
            log.error("preview_failed", tenant=tenant, code=code)
            raise GatewayError("preview_failed") from None
        if isinstance(answer, Refused):
            raise GatewayError(answer.code, answer.message, answer.param)
        log.info("preview_made", tenant=tenant, seconds=round(self._clock() - began, 1))
        return answer.preview

    async def _asked(self, order: bytes) -> tuple[int | None, bytes]:
        """How the child ended, and what it said. It does not outlive this call."""
        process = await asyncio.create_subprocess_exec(
            *self._command,
            env=self._environ,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C is for the gateway, which ends this one
        )
        try:
            said, _ = await process.communicate(order)
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        return process.returncode, said


def _key(order: Order) -> str:
    """The same for orders that give the same preview: not by who asks, when, or under which label."""
    job = replace(
        order.job, id="", uid="", label="", created_by="", created_at="", updated_at="", since="", consent=None
    )
    return hashlib.sha256(msgspec.json.encode(replace(order, job=job))).hexdigest()
