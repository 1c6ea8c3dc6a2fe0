"""What the store holds, as `housestyle check` judges it: its history, and whether its secrets open."""

import msgspec
from msgspec import Struct

from gateway.checks.findings import Finding, note, ok, wrong
from gateway.rotation import seal_anew
from gateway.secrets import Keyring
from gateway.store import keys
from gateway.store.connection import Store
from gateway.store.marks import Meta
from gateway.store.rows import ProviderRow, tenant_row

_NAMED = 10  # at most so many tenants are named in a message


class Records(Struct, frozen=True):
    """What was read. `sealed` counts the secrets; `closed` are those that do not open, with their tenants, and why;
    `unreadable` the tenants whose row is damaged; `providers` each distinct address once, of tenants that are not
    deleted."""

    meta: Meta
    tenants: int
    sealed: int
    closed: tuple[tuple[str, str], ...]
    unreadable: tuple[str, ...]
    providers: tuple[ProviderRow, ...]


async def read(store: Store, keyring: Keyring) -> Records:
    """Reads every tenant. Raises StoreUnavailable."""
    meta = await store.meta()
    seen: set[str] = set()
    closed: list[tuple[str, str]] = []
    unreadable: list[str] = []
    providers: dict[tuple[str, str, str], ProviderRow] = {}
    sealed = 0
    async for name, row in store.scan(keys.TENANTS):
        if name in seen:
            continue
        seen.add(name)
        try:
            tenant = tenant_row(row)
        except msgspec.MsgspecError:
            unreadable.append(name)
            continue
        sealed += sum(provider.sealed_api_key is not None for provider in tenant.providers.values())
        sealed += sum(made.sealed_account is not None for made in tenant.fine_tunes.values())
        closed += [(name, why) for _, why in seal_anew(tenant, keyring).closed]
        if not tenant.deleted:
            for one in tenant.providers.values():
                place = msgspec.json.encode(one.options, order="sorted").decode() if not one.base_url else ""
                providers.setdefault((one.kind, one.base_url, place), one)
    return Records(meta, len(seen), sealed, tuple(closed), tuple(unreadable), tuple(providers.values()))


def judge(records: Records) -> list[Finding]:
    """What there is to say of the store's contents."""
    return [_history(records.meta, records.tenants), _secrets(records)]


def _history(meta: Meta, tenants: int) -> Finding:
    if meta.diverged is not None:
        words = (
            f"Replicas knew revision {meta.diverged}, and the store is not its continuation (a restored backup, or an "
        )
        words += "emptied server). No change is taken until POST /admin/api/store/accept says which state holds."
        return wrong("store", words)
    if not meta.mark.revision:
        return note("store", "It is empty: nothing has been set up yet.")
    epoch = meta.mark.epoch or "none"
    return ok("store", f"{tenants} tenants, revision {meta.mark.revision}, epoch {epoch}.")


def _secrets(records: Records) -> Finding:
    if records.unreadable:
        words = (
            f"The rows of {_names(records.unreadable)} cannot be read: another version wrote them, or they are damaged."
        )
        return wrong("secrets", words)
    if not records.closed:
        return ok("secrets", f"All {records.sealed} sealed secrets open with the encryption keys.")
    reasons = "; ".join(sorted({why for _, why in records.closed}))
    words = f"{len(records.closed)} of {records.sealed} sealed secrets do not open, of {_names(_tenants(records))}: "
    return wrong("secrets", f"{words}{reasons}. Add the key that sealed them, or give the API keys anew.")


def _tenants(records: Records) -> tuple[str, ...]:
    return tuple(sorted({tenant for tenant, _ in records.closed}))


def _names(tenants: tuple[str, ...]) -> str:
    shown = ", ".join(tenants[:_NAMED])
    return shown if len(tenants) <= _NAMED else f"{shown} and {len(tenants) - _NAMED} more"
