"""The routes in memory: every tenant's row and every key, looked up on every call; and the marks of the bootstrap file,
as they are stored, so that they outlive the store.

A tenant's row is kept as it is stored, and compiled when a call first asks for it: most of 100,000 tenants are not
called on this replica today. A few dictionaries; lookups only. What brings the rows is in `following.py`.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterator
from sys import intern

import msgspec
import structlog
from msgspec import Struct

from gateway import timestamps
from gateway.compiling import TenantRoutes, compile_tenant, owned_places
from gateway.owners import Owners
from gateway.packing import pack, unpack
from gateway.secrets import Keyring
from gateway.store import keys
from gateway.store.marks import Mark
from gateway.store.rows import KeyRow, Row, key_row, parse_row, tenant_row
from policies import substitution
from policies.values import Caller, Role

log = structlog.get_logger(__name__)

# Compiled tenants that are kept; beyond that, those that were compiled first are compiled again when asked for.
_MOST_COMPILED = 16_384
_FINE_TUNES = b'"fine_tunes"'
_DELETED = b'"deleted":true'


class _Key(Struct, frozen=True, gc=False):
    caller: Caller
    expires: float
    created: float
    revision: int


class Routes:
    """All routes. `apply` takes one row; a row older than the one that is held changes nothing.

    What was revoked or deleted while this process knew it stays so, whatever a store may say later.
    """

    def __init__(self, keyring: Keyring, admin_key: str | None, clock: Callable[[], float]) -> None:
        self.mark = Mark()
        self.version = 0  # of what is held here: another after every change
        self.owners = Owners()
        self._keyring = keyring
        self._clock = clock
        self._rows: dict[str, bytes] = {}  # tenant → its row, packed
        self._compiled: dict[str, TenantRoutes] = {}
        self._unreadable: set[str] = set()
        self._keys: dict[bytes, _Key] = {}  # by the key's SHA-256
        self._digests: dict[str, bytes] = {}  # key id → its SHA-256
        self._marks: dict[str, bytes] = {}  # rows of keys.BOOTSTRAP; one never goes away
        self._revoked: set[str] = set()  # key ids
        self._deleted: set[str] = set()  # tenants
        self._former: Routes | None = None  # while this is loaded beside another: most of it is the same
        self._admin = _digest(admin_key) if admin_key else None

    @property
    def revision(self) -> int:
        """The revision of the change that was applied last."""
        return self.mark.revision

    def tenant(self, name: str) -> TenantRoutes | None:
        """The tenant's routes; None where there is no such tenant."""
        compiled = self._compiled.get(name)
        return compiled if compiled is not None else self._compile(name)

    def caller(self, key: str) -> Caller | None:
        """Who holds `key`; None where it is unknown, revoked or expired."""
        return self._caller(_digest(key))

    def caller_of(self, sha256: str) -> Caller | None:
        """The same, of the key that has this SHA-256, in hex."""
        return self._caller(bytes.fromhex(sha256))

    def _caller(self, digest: bytes) -> Caller | None:
        known = self._keys.get(digest)
        if known is None:
            if self._admin is not None and hmac.compare_digest(digest, self._admin):
                return Caller("key_bootstrap", Role.PLATFORM_ADMIN, None, "HOUSESTYLE_ADMIN_KEY")
            return None
        if known.expires <= self._clock():
            return None
        tenant = known.caller.tenant
        if tenant is not None and self.tenant(tenant) is None:
            return None  # a deleted tenant's keys stop with it
        return known.caller

    def is_foreign(self, tenant: str, provider: str, model: str) -> bool:
        """Whether `model` at the tenant's `provider` is a fine-tune that is not known as this tenant's."""
        routes = self.tenant(tenant)
        known = routes.route.providers.get(provider) if routes else None
        return bool(routes and known and substitution.is_foreign(model, known, routes.route, self.owners))

    def apply(self, table: str, field: str, row: Row | None, revision: int) -> None:
        """Takes a row, or its deletion (None), as of `revision`.

        A row that cannot be read (a newer version wrote it) is as good as deleted: nobody is let in by it.
        """
        if table == keys.BOOTSTRAP and row is not None:
            self._apply_mark(field, row)
        apply = {keys.TENANTS: self._apply_tenant, keys.KEYS: self._apply_key}.get(table)
        if apply is None:
            return
        self.version += 1
        try:
            apply(field, row, revision)
        except (msgspec.MsgspecError, ValueError) as error:
            log.error("row_cannot_be_read", table=table, field=field, revision=revision, cause=str(error))
            apply(field, None, revision)
        if row is None and table == keys.KEYS:
            self._revoked.add(field)

    def become(self, other: "Routes") -> None:
        """Takes over everything that `other` holds: a reload replaces, it does not merge, except that what was revoked
        or deleted stays so."""
        for name in self._deleted - other._deleted:
            other._put_tenant(name, self._held(name))
        self._revoked |= self._digests.keys() - other._digests.keys()
        self.version += 1
        self.mark, self.owners, self._deleted = other.mark, other.owners, other._deleted
        self._rows, self._compiled, self._unreadable = other._rows, other._compiled, other._unreadable
        self._keys, self._digests = other._keys, other._digests
        self._marks |= other._marks
        other._former = None

    def empty_copy(self) -> "Routes":
        """An empty one with the same keyring, to load into; it lets no revoked key in."""
        copy = Routes(self._keyring, None, self._clock)
        copy._admin = self._admin
        copy._revoked = self._revoked
        copy._former = self
        return copy

    def holder(self, sha256: str) -> str | None:
        """The id of the key that has this SHA-256, in hex; None where none is held."""
        digest = bytes.fromhex(sha256)
        if self._admin is not None and hmac.compare_digest(digest, self._admin):
            return "HOUSESTYLE_ADMIN_KEY"
        known = self._keys.get(digest)
        return known.caller.key_id if known else None

    def has_key(self, key_id: str) -> bool:
        """Whether the key is held: made, and not revoked."""
        return key_id in self._digests

    def tenant_of_key(self, key_id: str) -> str | None:
        """The tenant of a key that is held; None for the platform's."""
        return self._keys[self._digests[key_id]].caller.tenant

    def label_of_key(self, key_id: str) -> str:
        """The label of a key that is held; "" where it has none or is not held."""
        digest = self._digests.get(key_id)
        return self._keys[digest].caller.label if digest is not None else ""

    def deleted_tenants(self) -> Iterator[tuple[str, bytes]]:
        """The rows of deleted tenants, as they are stored: names, values."""
        for name in self._deleted:
            yield name, unpack(self._rows[name])

    def bootstrap_marks(self) -> Iterator[tuple[str, bytes]]:
        """The bootstrap file's marks, as they are stored: names, values."""
        yield from self._marks.items()

    def rows(self) -> Iterator[tuple[str, str, bytes]]:
        """Every row that is held, as it is stored: its table, its field, its value. Rows may come and go meanwhile."""
        for name, raw in list(self._rows.items()):
            yield keys.TENANTS, name, unpack(raw)
        for digest, key in list(self._keys.items()):
            row = KeyRow(
                id=key.caller.key_id,
                sha256=digest.hex(),
                role=key.caller.role,
                created_at=timestamps.from_seconds(key.created),
                tenant=key.caller.tenant,
                label=key.caller.label,
                expires_at=timestamps.from_seconds(key.expires) if key.expires != float("inf") else None,
            )
            yield keys.KEYS, row.id, b"%d %s" % (key.revision, msgspec.json.encode(row))
        for name, raw in list(self._marks.items()):
            yield keys.BOOTSTRAP, name, raw

    def _compile(self, name: str) -> TenantRoutes | None:
        row = self._held(name)
        if row is None or name in self._unreadable:
            return None
        try:
            tenant = tenant_row(row)
            if tenant.deleted:
                return None
            compiled = compile_tenant(tenant, row.revision, self._keyring)
        except (msgspec.MsgspecError, ValueError) as error:
            log.error("row_cannot_be_read", table=keys.TENANTS, field=name, cause=str(error))
            self._unreadable.add(name)
            return None
        if len(self._compiled) >= _MOST_COMPILED:
            del self._compiled[next(iter(self._compiled))]
        self._compiled[name] = compiled
        return compiled

    def _apply_tenant(self, name: str, row: Row | None, revision: int) -> None:
        held = self._held(name)
        if held is not None and held.revision >= revision:
            return
        if name in self._deleted and (row is None or _DELETED not in row.body):
            log.error("deleted_tenant_came_back", tenant=name, revision=revision)
        else:
            self._put_tenant(name, row)

    def _apply_mark(self, name: str, row: Row) -> None:
        held = self._marks.get(name)
        if held is None or parse_row(held).revision < row.revision:
            self._marks[name] = row.raw

    def _put_tenant(self, name: str, row: Row | None) -> None:
        before, after = self._owned(self._held(name)), self._owned(row)
        self._compiled.pop(name, None)
        self._unreadable.discard(name)
        if row is None:
            self._rows.pop(name, None)
        else:
            name = intern(name)
            self._rows[name] = self._packed(name, row.raw)
            if _DELETED in row.body:
                self._deleted.add(name)
        for place in before - after:
            self.owners.remove(place, name)
        for place in after:  # a deleted one's models are still nobody else's
            self.owners.add(place, name)

    def _packed(self, name: str, raw: bytes) -> bytes:
        """The row in little room; the very one that is held already, where it is the same."""
        former = self._former._rows.get(name) if self._former is not None else None
        return former if former is not None and unpack(former) == raw else pack(raw)

    def _held(self, name: str) -> Row | None:
        packed = self._rows.get(name)
        return parse_row(unpack(packed)) if packed is not None else None

    def _owned(self, row: Row | None) -> frozenset[tuple[str, str]]:
        """What a tenant's row owns; one that owns nothing need not be read for that."""
        if row is None or _FINE_TUNES not in row.body:
            return frozenset()
        return owned_places(tenant_row(row), self._keyring)

    def _apply_key(self, key_id: str, row: Row | None, revision: int) -> None:
        digest = self._digests.get(key_id)
        held = self._keys.get(digest) if digest is not None else None
        if held is not None and held.caller.key_id != key_id:
            held = None  # two ids of one hash, which nobody makes: the later one has it
        if held is not None and held.revision >= revision:
            return
        made = self._made(key_id, row, revision) if row is not None else None
        if digest is not None:
            del self._digests[key_id]
        if digest is not None and held is not None:
            del self._keys[digest]
        if key_id in self._revoked:
            log.error("revoked_key_came_back", key_id=key_id, revision=revision)
        elif made is not None:
            digest, key = made
            self._digests[key.caller.key_id] = digest
            self._keys[digest] = key

    def _made(self, key_id: str, row: Row, revision: int) -> tuple[bytes, _Key]:
        """A key and its SHA-256; the very ones that are held already, where they are the same."""
        if self._former is not None:
            digest = self._former._digests.get(key_id)
            former = self._former._keys.get(digest) if digest is not None else None
            if digest is not None and former is not None and former.revision == revision:
                return digest, former
        key = key_row(row)
        return bytes.fromhex(key.sha256), _compile_key(key, revision)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def _compile_key(key: KeyRow, revision: int) -> _Key:
    expires = timestamps.to_seconds(key.expires_at) if key.expires_at else float("inf")
    # Many keys have one tenant, many one label: each text is held once.
    tenant = intern(key.tenant) if key.tenant is not None else None
    caller = Caller(key.id, Role(key.role), tenant, intern(key.label))
    return _Key(caller, expires, timestamps.to_seconds(key.created_at), revision)
