"""The store: Redis behind a handful of typed operations, with one way to change anything.

Every control-plane change goes through `commit`: compare-and-set on the rows that the decision was made from,
so that decisions stay plain functions and the script stays one.
"""

import contextlib
import re
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from importlib.resources import files
from typing import Any, Literal, cast

from msgspec import Struct
from redis.commands.core import AsyncScript
from redis.exceptions import (
    BusyLoadingError,
    ClusterDownError,
    ConnectionError,  # noqa: A004 - redis-py's own name for it
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TimeoutError,  # noqa: A004 - redis-py's own name for it
    TryAgainError,
)

from gateway.store import keys, marks
from gateway.store.address import connect
from gateway.store.durability import Durability
from gateway.store.marks import Mark, Meta
from gateway.store.rows import Row, parse_row

Lack = Literal["memory", "disk"]


class StoreUnavailable(Exception):
    """Redis cannot be reached, is loading, or answers too late. `unsure`: a change was on its way, and whether it
    was made will only show when Redis is back. `lacks`: it is there and takes no change, for want of this."""

    def __init__(self, message: str, *, unsure: bool = False, lacks: Lack | None = None) -> None:
        super().__init__(message)
        self.unsure = unsure
        self.lacks = lacks


class StoreDiverged(StoreUnavailable):
    """The store's history is not the one that is known here, or a replica says so; an admin must say which holds."""

    def __init__(self) -> None:
        super().__init__("the store's history is not the one that the replicas know; see POST /admin/api/store/accept")


class Conflict(Exception):
    """A row was not what the decision was made from. `write` is its index."""

    def __init__(self, write: int) -> None:
        super().__init__(f"row {write} has changed meanwhile")
        self.write = write


class Write(Struct, frozen=True):
    """One row of a change. `before` is the row that the decision was made from (None: there was none);
    `after` its new JSON (None: delete it, COMPARE: leave it, only compare)."""

    table: str
    field: str
    before: Row | None
    after: bytes | None


class Note(Struct, frozen=True):
    """A line of a stream, written with the change. `stream` is a full key name; `body` is JSON."""

    stream: str
    body: bytes


class Committed(Struct, frozen=True):
    """A change that stands. `durable`: the store confirmed that it outlives the server (`durability.py`)."""

    revision: int
    durable: bool


class Census(Struct, frozen=True):
    """A replica as last seen. `age_ms` by Redis's clock."""

    id: str
    revision: int
    seen_ms: int
    age_ms: int
    version: str


COMPARE = b"="

_AWAY = (
    ConnectionError,
    TimeoutError,
    BusyLoadingError,
    ReadOnlyError,
    OutOfMemoryError,
    ClusterDownError,  # MASTERDOWN too, of which redis-py keeps no word in the message
    TryAgainError,
    OSError,
)
# Answers by which a server says that it is there and cannot serve: a full disk, too few replicas, a busy script.
# Inside a script they stand behind words of its own.
_LACKS: tuple[tuple[re.Pattern[str], Lack], ...] = (
    (re.compile(r"(?:^|[ -])OOM\b|used memory > 'maxmemory'"), "memory"),
    (re.compile(r"(?:^|[ -])MISCONF\b"), "disk"),
)
_NOT_NOW = re.compile(r"(?:^|[ -])(?:MISCONF|NOREPLICAS|READONLY|BUSY|CLUSTERDOWN|TRYAGAIN|MASTERDOWN|OOM)\b")


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Maps redis-py's errors to StoreUnavailable; programming errors pass."""
    try:
        yield
    except _AWAY as error:
        raise StoreUnavailable(str(error) or type(error).__name__, lacks=_lack(error)) from error
    except ResponseError as error:
        if not _NOT_NOW.search(str(error)):
            raise
        raise StoreUnavailable(str(error), lacks=_lack(error)) from error


def _lack(error: Exception) -> Lack | None:
    """What the server says it has no more of."""
    if isinstance(error, OutOfMemoryError):
        return "memory"
    return next((lack for pattern, lack in _LACKS if pattern.search(str(error))), None)


class Store:
    """Redis. `redis` for commands of an instant, `connect(url, blocking=True)` for those that wait.

    `known` is the history that this process has seen; a store with another takes no change from it. `audit_days` is how
    long audit records are kept. `holds`: this process holds routes, a state that could be said to hold.
    """

    def __init__(self, url: str, audit_days: int = 730, *, holds: bool = False) -> None:
        self.url = url
        self.redis = connect(url)
        self._durability = Durability(self.redis)
        self.known = Mark()
        self.audit_days = audit_days
        self._holds = holds
        self._commit = self.script("commit")
        self._beat = self.script("beat")
        self._diverge = self.script("diverge")

    def script(self, name: str) -> AsyncScript:
        """The script in `gateway/store/NAME.lua`."""
        return self.redis.register_script((files("gateway.store") / f"{name}.lua").read_bytes())

    async def close(self) -> None:
        """Closes every connection."""
        await self.redis.aclose()

    async def row(self, table: str, field: str) -> Row | None:
        """One row. Raises StoreUnavailable."""
        with translated():
            raw = await cast("Any", self.redis.hget(keys.table(table), field))
        return parse_row(raw) if raw is not None else None

    async def rows(self, table: str, fields: Sequence[str]) -> list[Row | None]:
        """Several rows of a table, in the order asked. Raises StoreUnavailable."""
        if not fields:
            return []
        with translated():
            found = await cast("Any", self.redis.hmget(keys.table(table), list(fields)))
        return [parse_row(raw) if raw is not None else None for raw in found]

    async def count(self, table: str) -> int:
        """How many rows a table has. Raises StoreUnavailable."""
        with translated():
            return int(await cast("Any", self.redis.hlen(keys.table(table))))

    async def fields(self, table: str) -> list[str]:
        """The names of a table's rows, sorted. Raises StoreUnavailable."""
        with translated():
            names = await cast("Any", self.redis.hkeys(keys.table(table)))
        return sorted(name.decode() for name in names)

    async def scan(self, table: str) -> AsyncIterator[tuple[str, Row]]:
        """Every row of a large table, in no order, some perhaps twice. Raises StoreUnavailable."""
        with translated():
            async for field, raw in self.redis.hscan_iter(keys.table(table), count=500):
                yield field.decode(), parse_row(raw)

    async def revision(self) -> int:
        """The revision of the last followed change. Raises StoreUnavailable."""
        return (await self.meta()).mark.revision

    async def meta(self) -> Meta:
        """How far the store's history has come, and what is said of it. Raises StoreUnavailable."""
        with translated():
            return marks.parse_meta(await cast("Any", self.redis.hmget(keys.META, marks.FIELDS)))

    async def diverged(self, seen: Mark, known: Mark) -> None:
        """Says that the store's history, at `seen`, is no continuation of one that had come to `known`: no change is
        taken until an admin has said which holds. Raises StoreUnavailable."""
        with translated():
            arguments: list[bytes | str | int] = [seen.epoch, seen.revision, seen.token, known.revision, known.epoch]
            await cast("Any", self._diverge(keys=[keys.META], args=arguments))

    async def commit(
        self,
        writes: Sequence[Write],
        *,
        audit: bytes = b"",
        tenant: str | None = None,
        notes: Sequence[Note] = (),
    ) -> Committed:
        """Makes one change, whole or not at all. `audit` is its record, shown with those of `tenant` too.

        Raises Conflict, StoreDiverged, StoreUnavailable.
        """
        audits = [] if not audit else [keys.AUDIT] if tenant is None else [keys.AUDIT, keys.audit_of(tenant)]
        names = [keys.META, keys.CHANGES, *(keys.table(write.table) for write in writes)]
        names += [*audits, *(note.stream for note in notes)]
        known = self.known
        arguments: list[bytes | str | int] = [secrets.token_hex(8), secrets.token_hex(8)]
        arguments += [known.epoch, known.revision, known.token, len(writes), len(audits), len(notes)]
        arguments += [audit, self.audit_days, int(self._holds)]
        for write in writes:
            before = write.before.raw if write.before else b""
            after = b"" if write.after is None else write.after
            arguments += [write.table, write.field, before, after, int(write.table in keys.FOLLOWED)]
        arguments += [note.body for note in notes]
        outcome, durable = await self._run(names, arguments)
        if outcome[0] == b"conflict":
            raise Conflict(outcome[1])
        if outcome[0] == b"diverged":
            raise StoreDiverged
        _, revision, epoch, token = outcome
        self.saw(Mark(epoch.decode(), revision, token.decode()))
        return Committed(revision, durable)

    def saw(self, mark: Mark) -> None:
        """This process has seen the store's history come to `mark`; never back, within one epoch."""
        if mark.epoch != self.known.epoch or mark.revision > self.known.revision:
            self.known = mark

    async def _run(self, names: list[str], arguments: list[Any]) -> tuple[list[Any], bool]:
        """The script, and on the same connection the question what the store confirms of it."""
        with translated():
            await self._durability.learn()
        try:
            with translated():
                async with self.redis.pipeline(transaction=False) as pipe:
                    await cast("Any", self._commit(keys=names, args=arguments, client=pipe))
                    questions = self._durability.ask(pipe)
                    outcome, *answers = await pipe.execute(raise_on_error=False)
        except StoreUnavailable as error:
            self._durability.forget()
            raise StoreUnavailable(str(error), unsure=True) from error
        if isinstance(outcome, Exception):
            self._durability.forget()
            with translated():
                raise outcome
        return outcome, self._durability.judge(questions, answers)

    async def beat(self, replica: str, revision: int, version: str, forget_ms: int) -> None:
        """Says that `replica` lives and has applied `revision`. Raises StoreUnavailable."""
        with translated():
            await cast("Any", self._beat(keys=[keys.REPLICAS], args=[replica, revision, version, forget_ms]))

    async def forget(self, replica: str) -> None:
        """Says that `replica` is gone by its own word. Raises StoreUnavailable."""
        with translated():
            await cast("Any", self.redis.hdel(keys.REPLICAS, replica))

    async def census(self) -> list[Census]:
        """Every replica seen of late. Raises StoreUnavailable."""
        with translated():
            # No MULTI: a full Redis refuses whatever stands in one. The time comes last, so that none is ahead of it.
            async with self.redis.pipeline(transaction=False) as pipe:
                pipe.hgetall(keys.REPLICAS)
                pipe.time()
                found, (seconds, micros) = await pipe.execute()
        now = seconds * 1000 + micros // 1000
        return [_seen(name.decode(), value.decode(), now) for name, value in found.items()]


def _seen(name: str, value: str, now: int) -> Census:
    revision, seen, version = value.split(" ", 2)
    return Census(name, int(revision), int(seen), now - int(seen), version)
