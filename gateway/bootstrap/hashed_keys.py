"""Keys of which the file has the SHA-256 alone. A key that was applied once and is gone was revoked: it stays so."""

from collections.abc import Callable

import msgspec

from gateway.admin import views
from gateway.admin.changes import Control, Plan, tenant_kept
from gateway.admin.handling import Answered, Asked
from gateway.bootstrap.document import KeyEntry
from gateway.errors import GatewayError
from gateway.store import keys
from gateway.store.connection import Write
from gateway.store.rows import KeyRow, Row, key_row

# The id of the key that has this SHA-256, as far as this replica knows.
Holder = Callable[[str], str | None]


class Revoked(Exception):
    """The key was applied once and is there no more."""


class HashedKeys:
    """The operation on such a key. `applied_before`: whether it has been."""

    def __init__(self, control: Control, holder: Holder, *, applied_before: bool) -> None:
        self._control = control
        self._holder = holder
        self._applied_before = applied_before

    async def put(self, asked: Asked) -> Answered:
        """Makes the key, or changes its role, label and expiry. Raises Revoked, GatewayError, StoreUnavailable."""
        body: KeyEntry = asked.body
        key_id = asked.path["key"]
        other = self._holder(body.sha256)
        if other is not None and other != key_id:
            raise GatewayError("invalid_field", f"This is the hash of {other}, which was not made by this file.")

        async def plan() -> Plan[None]:
            conditions = []
            if asked.tenant:
                _, tenant = await self._control.tenant(asked.tenant)
                conditions.append(tenant_kept(asked.tenant, tenant))
            before = await self._control.store.row(keys.KEYS, key_id)
            listed = await self._control.store.row(keys.keys_of(asked.tenant), key_id)
            if before is None and self._applied_before:
                raise Revoked
            old = key_row(before) if before is not None else None
            _refuse_to_move(old, asked.tenant)
            new = self._row(asked, key_id, old)
            return Plan(
                [_key_write(before, new), Write(keys.keys_of(asked.tenant), key_id, listed, b"{}"), *conditions],
                None,
                msgspec.to_builtins(views.key(old)) if old else None,
                msgspec.to_builtins(views.key(new)),
            )

        action = "key.change" if self._applied_before else "key.make"
        changed = await self._control.change(asked.actor, action, asked.tenant or None, plan)
        return Answered(None, 204, changed)

    def _row(self, asked: Asked, key_id: str, old: KeyRow | None) -> KeyRow:
        body: KeyEntry = asked.body
        return KeyRow(
            id=key_id,
            sha256=body.sha256,
            role=body.role,
            created_at=old.created_at if old else self._control.now(),
            tenant=asked.tenant or None,
            label=body.label,
            expires_at=body.expires_at,
        )


def _refuse_to_move(old: KeyRow | None, tenant: str) -> None:
    if old is not None and (old.tenant or "") != tenant:
        owner = f"the tenant {old.tenant}" if old.tenant else "the platform"
        words = f"This key belongs to {owner}, and a key does not move. Make another, and revoke this one."
        raise GatewayError("invalid_field", words)


def _key_write(before: Row | None, after: KeyRow) -> Write:
    return Write(keys.KEYS, after.id, before, msgspec.json.encode(after))
