"""After a store's history turned out to be no continuation of what replicas know: an admin says which state holds.

Either the store's (a backup that was restored on purpose) or what this replica knows (a server that was emptied). A new
epoch then begins, which every replica takes over. What was revoked or deleted stays so, whichever holds.
Until then the store takes no change from anybody, so what is read here cannot change under it.
"""

import contextlib
import secrets
from collections.abc import AsyncIterator, Iterator
from typing import Any, Literal, cast

import msgspec
from msgspec import Struct

from gateway.errors import GatewayError
from gateway.replicas import is_live
from gateway.routing import Routes
from gateway.store import keys, marks
from gateway.store.connection import Store, StoreUnavailable, translated
from gateway.store.marks import Mark, Meta, Relation
from gateway.store.rows import Row, key_row, tenant_row

_BATCH = 500

# A row to be written: table, field, value as stored (b"": delete it).
_Place = tuple[str, str, bytes]


class Accepted(Struct, frozen=True):
    """What holds from `revision` on. `revoked_keys` were in the store and are revoked; `rows` were written."""

    state: Literal["store", "replicas"]
    epoch: str
    revision: int
    revoked_keys: tuple[str, ...]
    rows: int


class Acceptance:
    """The operation, from the point of view of one replica."""

    def __init__(self, store: Store, routes: Routes) -> None:
        self._store = store
        self._routes = routes
        self._restore = store.script("restore")
        self._accept = store.script("accept")

    async def begin(self) -> Meta:
        """What the store has that is not what the replicas know. Raises GatewayError, StoreUnavailable.

        `store_not_diverged` where there is nothing to decide, `replica_behind` where another replica knows more.
        """
        known = self._routes.mark
        seen = await self._store.census()
        meta = await self._store.meta()
        told = meta.diverged is not None or meta.doubters
        if not told and marks.relation(known, meta) is not Relation.DIVERGED:
            raise GatewayError("store_not_diverged")
        furthest = max((other for other in seen if is_live(other)), key=lambda other: other.revision, default=None)
        if furthest is not None and furthest.revision > known.revision:
            words = (
                f"The replica {furthest.id} knows revision {furthest.revision}, this one {known.revision}: ask that."
            )
            raise GatewayError("replica_behind", words)
        await self._store.diverged(meta.mark, known)
        return meta

    async def accept(self, meta: Meta, state: Literal["store", "replicas"], audit: bytes) -> Accepted:
        """Makes `state` hold. Can be cut off anywhere and asked for again. Raises GatewayError, StoreUnavailable."""
        known = self._routes.mark
        revoked: list[str] = []
        places = self._as_known() if state == "replicas" else self._as_stored(revoked, known)
        written = 0
        async for batch in _batches(places):
            written += len(batch)
            await self._write(meta.mark, state, batch)
        epoch = secrets.token_hex(8)
        arguments: list[Any] = [meta.mark.epoch, meta.mark.revision, meta.mark.token, epoch, secrets.token_hex(8)]
        # Where nobody knows anything, what the store has is all that there is, whole or not.
        arguments += [known.revision + 1, known.epoch, audit, state if known != Mark() else ""]
        with _unsure():
            names = [keys.META, keys.CHANGES, keys.AUDIT]
            revision = int(await cast("Any", self._accept(keys=names, args=arguments)))
        if revision < 0:
            raise GatewayError("store_half_restored")
        if not revision:
            raise GatewayError("conflict")
        return Accepted(state, epoch, revision, tuple(revoked), written)

    async def _as_known(self) -> AsyncIterator[_Place]:
        """The store's rows made what this replica knows: its own rows, and no others; but for rows of a newer version,
        which it cannot read."""
        held: dict[str, set[str]] = {table: set() for table in keys.FOLLOWED}
        for table, field, value in self._routes.rows():
            held[table].add(field)
            yield table, field, value
            if table == keys.KEYS and self._routes.has_key(field):
                yield self._listing(field), field, value.partition(b" ")[0] + b" {}"
        for table in keys.FOLLOWED:
            async for field, row in self._store.scan(table):
                if field not in held[table] and _readable(table, row):
                    yield table, field, b""

    async def _as_stored(self, revoked: list[str], known: Mark) -> AsyncIterator[_Place]:
        """The store's rows, without the keys that were revoked and the tenants that were deleted; and with each of the
        bootstrap file's marks: what was revoked must not be taken for new by the next replica that starts."""
        if known == Mark():
            return
        async for field, row in self._store.scan(keys.KEYS):
            if not self._routes.has_key(field):
                revoked.append(field)
                yield keys.KEYS, field, b""
                if _readable(keys.KEYS, row):
                    yield keys.keys_of(key_row(row).tenant or ""), field, b""
        for field, value in self._routes.deleted_tenants():
            yield keys.TENANTS, field, value
        kept = set(await self._store.fields(keys.BOOTSTRAP))
        for field, value in self._routes.bootstrap_marks():
            if field not in kept:
                yield keys.BOOTSTRAP, field, value

    def _listing(self, key_id: str) -> str:
        return keys.keys_of(self._routes.tenant_of_key(key_id) or "")

    async def _write(self, found: Mark, state: str, batch: list[_Place]) -> None:
        names = [keys.META, *(keys.table(table) for table, _, _ in batch)]
        arguments: list[Any] = [found.epoch, found.revision, found.token, state]
        for _, field, value in batch:
            arguments += [field, value]
        with _unsure():
            if not await cast("Any", self._restore(keys=names, args=arguments)):
                raise GatewayError("conflict")


@contextlib.contextmanager
def _unsure() -> Iterator[None]:
    """Maps redis-py's errors: what was on its way may have been done."""
    try:
        with translated():
            yield
    except StoreUnavailable as error:
        raise StoreUnavailable(str(error), unsure=True) from error


def _readable(table: str, row: Row) -> bool:
    try:
        if table == keys.TENANTS:
            tenant_row(row)
        elif table == keys.KEYS:
            key_row(row)
    except msgspec.MsgspecError:
        return False
    return True


async def _batches(places: AsyncIterator[_Place]) -> AsyncIterator[list[_Place]]:
    batch: list[_Place] = []
    async for place in places:
        batch.append(place)
        if len(batch) >= _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
