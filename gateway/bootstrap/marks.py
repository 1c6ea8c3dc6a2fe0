"""What was applied last, entry by entry: kept in the store, so that every replica knows and none applies it twice.

A mark holds the digest of what the file said, sealed, since there may be a weak secret in what was digested. It is
never deleted: a key that was applied once must not come back, whatever becomes of the file.
"""

import msgspec
import structlog
from msgspec import Struct

from gateway.bootstrap.document import Document, Entry
from gateway.secrets import CannotOpen, Keyring, sealed_with
from gateway.store.connection import Conflict, Store, Write
from gateway.store.rows import Row

log = structlog.get_logger(__name__)

_TABLE = "bootstrap"  # an entry's mark → Mark


class Mark(Struct, frozen=True):
    """Where an entry stood, and the digest of what it said, sealed."""

    path: str
    sealed: str


class Overtaken(Exception):
    """Another was faster: what was decided on is no longer what stands."""


class Marks:
    """The marks in the store, and in memory those that this replica has met."""

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring
        self._met: dict[str, bytes] = {}

    async def row(self, entry: Entry) -> Row | None:
        """The entry's mark; None where it was never applied. Raises StoreUnavailable."""
        row = await self._store.row(_TABLE, entry.mark)
        if row is not None:
            self._met[entry.mark] = row.body
        return row

    def says(self, row: Row | None, entry: Entry) -> bool:
        """Whether the entry is as it was applied last. One whose mark no key opens has lost its secrets too."""
        if row is None:
            return False
        try:
            return self._keyring.open(_parse(row).sealed, tenant="", field=_place(entry)) == entry.digest
        except CannotOpen as error:
            log.warning("bootstrap_mark_unreadable", path=entry.path, cause=str(error))
            return False

    def write(self, entry: Entry, before: Row | None) -> Write:
        """The write that marks the entry as applied; it goes into the change's own commit."""
        sealed = self._keyring.seal(entry.digest, tenant="", field=_place(entry))
        return Write(_TABLE, entry.mark, before, msgspec.json.encode(Mark(entry.path, sealed)))

    def written(self, write: Write) -> None:
        """The commit has been made."""
        if write.after is not None:
            self._met[write.field] = write.after

    async def renew(self, row: Row | None, entry: Entry) -> None:
        """Seals a mark anew once there is another first key, so that the old one may go. Raises Overtaken."""
        if row is None or sealed_with(_parse(row).sealed) == self._keyring.first:
            return
        write = self.write(entry, row)
        try:
            await self._store.commit([write])
        except Conflict:
            raise Overtaken from None
        self.written(write)

    async def absent(self, document: Document) -> tuple[str, ...]:
        """The paths of what was applied once and is not in the document. Raises StoreUnavailable."""
        here = {entry.mark for entry in document.entries}
        names = [name for name in await self._store.fields(_TABLE) if name not in here]
        paths: list[str] = []
        for name, row in zip(names, await self._store.rows(_TABLE, names), strict=True):
            if row is not None:
                self._met[name] = row.body
                paths.append(_parse(row).path)
        return tuple(paths)

    async def restore(self) -> None:
        """Puts back the marks that a store has lost which was emptied, or set back. Raises StoreUnavailable."""
        met = dict(self._met)
        rows = await self._store.rows(_TABLE, list(met))
        for (name, body), row in zip(met.items(), rows, strict=True):
            if row is None:
                try:
                    await self._store.commit([Write(_TABLE, name, None, body)])
                except Conflict:
                    continue  # another replica did


def _parse(row: Row) -> Mark:
    return msgspec.json.decode(row.body, type=Mark)


def _place(entry: Entry) -> str:
    return f"bootstrap/{entry.mark}"
