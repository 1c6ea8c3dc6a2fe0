"""What was applied last, entry by entry: kept in the store, so that every replica knows and none applies it twice.

A mark holds the digest of what the file said, sealed, since there may be a weak secret in what was digested. It is
never deleted: a key that was applied once must not come back, whatever becomes of the file. A key that the admin API
made leaves one without a digest when it is revoked (`keys.TOMBSTONE`).
"""

import msgspec
import structlog
from msgspec import Struct

from gateway.bootstrap.document import Document, Entry
from gateway.secrets import CannotOpen, Keyring, sealed_with
from gateway.store import keys
from gateway.store.connection import Conflict, Store, Write
from gateway.store.rows import Row

log = structlog.get_logger(__name__)


class Mark(Struct, frozen=True):
    """Where an entry stood, and the digest of what it said, sealed; both "" where no file had applied it."""

    path: str
    sealed: str


class Overtaken(Exception):
    """Another was faster: what was decided on is no longer what stands."""


class Marks:
    """The marks in the store."""

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    async def row(self, entry: Entry) -> Row | None:
        """The entry's mark; None where it was never applied. Raises StoreUnavailable."""
        return await self._store.row(keys.BOOTSTRAP, entry.mark)

    def says(self, row: Row | None, entry: Entry) -> bool:
        """Whether the entry is as it was applied last. One whose mark no key opens has lost its secrets too."""
        if row is None:
            return False
        try:
            return self._keyring.open(_parse(row).sealed, tenant="", field=_place(entry.mark)) == entry.digest
        except CannotOpen as error:
            log.warning("bootstrap_mark_unreadable", path=entry.path, cause=str(error))
            return False

    def write(self, entry: Entry, before: Row | None) -> Write:
        """The write that marks the entry as applied; it goes into the change's own commit."""
        sealed = self._keyring.seal(entry.digest, tenant="", field=_place(entry.mark))
        return Write(keys.BOOTSTRAP, entry.mark, before, msgspec.json.encode(Mark(entry.path, sealed)))

    async def renew(self, row: Row | None, entry: Entry) -> None:
        """Seals a mark anew once there is another first key, so that the old one may go. Raises Overtaken."""
        if row is None or sealed_with(_parse(row).sealed) == self._keyring.first:
            return
        try:
            await self._store.commit([self.write(entry, row)])
        except Conflict:
            raise Overtaken from None

    async def absent(self, document: Document) -> tuple[str, ...]:
        """The paths of what was applied once and is not in the document. Raises StoreUnavailable."""
        here = {entry.mark for entry in document.entries}
        names = [name for name in await self._store.fields(keys.BOOTSTRAP) if name not in here]
        paths = [_parse(row).path for row in await self._store.rows(keys.BOOTSTRAP, names) if row is not None]
        return tuple(path for path in paths if path)


def _parse(row: Row) -> Mark:
    """The mark. One that is damaged, or another version's, is there and says nothing."""
    try:
        return msgspec.json.decode(row.body, type=Mark)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Mark("", "")


def _place(mark: str) -> str:
    return f"bootstrap/{mark}"
