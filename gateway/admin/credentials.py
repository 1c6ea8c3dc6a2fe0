"""Keys: made, listed, revoked. A key is shown once, by the call that makes it, and never stored."""

import contextlib
import re
import time
from collections.abc import Sequence

import msgspec

from finetune import records
from gateway import last_used, timestamps
from gateway.admin import views
from gateway.admin.changes import Control, Plan, tenant_kept
from gateway.admin.handling import AdminRoute, Answered, Asked
from gateway.admin.parameters import PAGE
from gateway.admin.schemas import KeyPost, KeyView, ListView, NewKeyView
from gateway.errors import GatewayError
from gateway.secrets import fingerprint, new_key
from gateway.store import keys
from gateway.store.connection import Store, StoreUnavailable, Write
from gateway.store.rows import KeyRow, key_row
from policies import access
from policies.access import Action

_KEY_ID = re.compile(r"key_[0-9a-f]{1,64}")
_MOST_KEYS = 10_000  # every replica holds each of them


class Credentials:
    """The operations on keys: a tenant's, and (under the tenant "") the platform's."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def routes(self) -> list[AdminRoute]:
        """The rows of the API's table."""
        rows: list[AdminRoute] = []
        for base, action in (
            ("/tenants/{tenant}/keys", Action.MANAGE_KEYS),
            ("/keys", Action.MANAGE_PLATFORM),
        ):
            rows += [
                AdminRoute("POST", base, action, self.make, KeyPost, NewKeyView, statuses=(201,)),
                AdminRoute("GET", base, action, self.list, answer=ListView[KeyView], parameters=PAGE),
                AdminRoute("DELETE", base + "/{key}", action, self.revoke, statuses=(204,), errors=("key_not_found",)),
            ]
        return rows

    async def make(self, asked: Asked) -> Answered:
        """Makes a key.

        The key itself is in this answer and nowhere else. A tenant's keys are of the roles `caller` and `tenant_admin`,
        the platform's `service` and `platform_admin`.
        """
        body: KeyPost = asked.body
        allowed = access.TENANT_ROLES if asked.tenant else access.PLATFORM_ROLES
        if body.role not in allowed:
            names = " and ".join(f"`{role}`" for role in sorted(allowed))
            raise GatewayError("invalid_field", f"`role`: keys of the roles {names} are made here.", "role")
        expires_at = _expiry(body.expires_at)
        key = new_key()
        row = KeyRow(
            id=records.new_id("key"),
            sha256=fingerprint(key),
            role=body.role,
            created_at=self._control.now(),
            tenant=asked.tenant or None,
            label=body.label,
            expires_at=expires_at,
        )

        async def plan() -> Plan[None]:
            writes = [
                Write(keys.KEYS, row.id, None, msgspec.json.encode(row)),
                Write(keys.keys_of(asked.tenant), row.id, None, b"{}"),
            ]
            if asked.tenant:
                _, tenant = await self._control.tenant(asked.tenant)
                writes.append(tenant_kept(asked.tenant, tenant))
            if await self._control.store.count(keys.keys_of(asked.tenant)) >= _MOST_KEYS:
                raise GatewayError("invalid_field", f"There are {_MOST_KEYS} keys here; revoke some first.")
            return Plan(writes, None, None, msgspec.to_builtins(views.key(row)))

        changed = await self._control.change(asked.actor, "key.make", asked.tenant or None, plan)
        view = NewKeyView(row.id, key, row.role, row.label, row.tenant, row.created_at, row.expires_at)
        return Answered(view, 201, changed)

    async def list(self, asked: Asked) -> Answered:
        """Lists keys, newest first, each without its text."""
        if asked.tenant:
            await self._control.tenant(asked.tenant)
        store, cursor = self._control.store, asked.cursor(_KEY_ID)
        ids = [i for i in reversed(await store.fields(keys.keys_of(asked.tenant))) if cursor is None or i < cursor]
        chosen = ids[: asked.limit]
        rows = await store.rows(keys.KEYS, chosen)
        used = await last_used.read(store, chosen)
        shown = [views.key(key_row(row), used.get(i)) for i, row in zip(chosen, rows, strict=True) if row is not None]
        return Answered(ListView(shown, chosen[-1] if len(ids) > asked.limit else None))

    async def revoke(self, asked: Asked) -> Answered:
        """Revokes a key.

        Every replica that has acknowledged refuses it when this is answered. HOUSESTYLE_BOOTSTRAP does not make it
        anew.
        """
        key_id = asked.path["key"]

        async def plan() -> Plan[None]:
            if asked.tenant:
                await self._control.tenant(asked.tenant)
            listed = await self._control.store.row(keys.keys_of(asked.tenant), key_id)
            row = await self._control.store.row(keys.KEYS, key_id)
            if row is None or listed is None:
                raise GatewayError("key_not_found")
            former = keys.former_keys_of(asked.tenant)
            before = await self._control.store.row(former, key_id)
            writes = [
                Write(keys.KEYS, key_id, row, None),
                Write(keys.keys_of(asked.tenant), key_id, listed, None),
                Write(former, key_id, before, msgspec.json.encode(key_row(row).label)),
            ]
            mark = keys.bootstrap_key(key_row(row).sha256)
            if await self._control.store.row(keys.BOOTSTRAP, mark) is None:
                writes.append(Write(keys.BOOTSTRAP, mark, None, keys.TOMBSTONE))
            return Plan(writes, None, msgspec.to_builtins(views.key(key_row(row))), None)

        changed = await self._control.change(asked.actor, "key.revoke", asked.tenant or None, plan)
        with contextlib.suppress(StoreUnavailable):  # the key is revoked; a time without a key is shown to nobody
            await last_used.forget(self._control.store, key_id)
        return Answered(None, 204, changed)


async def former_labels(store: Store, tenant: str, key_ids: Sequence[str]) -> dict[str, str]:
    """What revoked keys of the tenant's and of the platform's were called, of those of `key_ids` that are any.

    Raises StoreUnavailable.
    """
    found: dict[str, str] = {}
    for owner in (tenant, ""):
        rows = await store.rows(keys.former_keys_of(owner), key_ids)
        found |= {
            i: msgspec.json.decode(row.body, type=str) for i, row in zip(key_ids, rows, strict=True) if row is not None
        }
    return found


def _expiry(text: str | None) -> str | None:
    """The expiry, in the one form that is stored. Raises GatewayError `invalid_field`."""
    if text is None:
        return None
    try:
        seconds = timestamps.to_seconds(text)
        stored = timestamps.from_seconds(seconds)
    except (ValueError, OverflowError) as error:
        raise GatewayError("invalid_field", f"`expires_at`: {error}.", "expires_at") from None
    if seconds <= time.time():
        raise GatewayError("invalid_field", "`expires_at` must lie in the future.", "expires_at")
    return stored
