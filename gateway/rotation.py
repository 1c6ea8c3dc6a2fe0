"""`housestyle rotate-keys`: seals anew, with the first encryption key, all that an older one sealed.

What is to be done with a row is worked out by a plain function and written by one compare-and-set, with its audit
record: so it can be killed anywhere and run again, while gateways serve and admins change things. What cannot be opened
is left as it is. Opened secrets stay in here.
"""

import asyncio
import time
from collections.abc import Callable, Mapping

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gateway import datadir, provider_keys, timestamps
from gateway.secrets import CannotOpen, Keyring, is_bound, sealed_with
from gateway.settings import Settings, SettingsError, read
from gateway.store import audits, keys
from gateway.store.audits import Actor
from gateway.store.connection import Conflict, Store, Write
from gateway.store.embedded import EmbeddedRedis, running_since, running_url
from gateway.store.rows import FineTuneRow, ProviderRow, Row, TenantRow, tenant_row

_AT_ONCE = 32  # tenants
_PASSES = 10
_TOLD_EVERY = 1000  # tenants
_OF_THE_FILE = "HOUSESTYLE_BOOTSTRAP"
_ACTOR = Actor("operator", "rotate-keys", "housestyle rotate-keys")

Say = Callable[[str], None]


class Anew(Struct, frozen=True):
    """What is to be done with a tenant's row. `after` is None where nothing is; fields are named by their place."""

    after: TenantRow | None
    sealed: tuple[str, ...] = ()
    old_keys: tuple[str, ...] = ()  # the names of those that had sealed them
    closed: tuple[tuple[str, str], ...] = ()  # field and why it cannot be opened


class Found(Struct, frozen=True):
    """What became of a tenant's row."""

    tenant: str
    sealed: tuple[str, ...] = ()
    closed: tuple[tuple[str, str], ...] = ()


class Rotation(Struct):
    """What a run has done. `settled`: its last pass found nothing more to seal anew."""

    keys: tuple[str, ...]  # their names, the first one first
    tenants: int = 0
    sealed: int = 0
    settled: bool = False
    closed: dict[tuple[str, str], str] = {}  # tenant and field: why it cannot be opened
    marks: int = 0  # of HOUSESTYLE_BOOTSTRAP's entries, sealed anew

    @property
    def complete(self) -> bool:
        """Whether no row needs any key but the first."""
        return self.settled and not self.closed


def seal_anew(row: TenantRow, keyring: Keyring) -> Anew:
    """The row with every secret sealed with the first key, and each API key bound to whom it is sent to."""
    providers: dict[str, ProviderRow] = {}
    fine_tunes: dict[str, FineTuneRow] = {}
    sealed: list[str] = []
    old: set[str] = set()
    closed: list[tuple[str, str]] = []

    def anew(secret: str | None, *, field: str, shown: str, bound_to: str = "") -> str | None:
        """The same secret, sealed as it should be; as it is where it is so already, or cannot be opened."""
        if secret is None:
            return None
        try:
            opened = keyring.open(secret, tenant=row.tenant, field=field, bound_to=bound_to)
        except CannotOpen as error:
            closed.append((shown, str(error)))
            return secret
        if sealed_with(secret) == keyring.first and is_bound(secret) == bool(bound_to):
            return secret
        sealed.append(shown)
        old.add(sealed_with(secret))
        return keyring.seal(opened, tenant=row.tenant, field=field, bound_to=bound_to)

    for name, provider in row.providers.items():
        field = provider_keys.field(name)
        bound_to = provider_keys.bound_to(provider)
        key = anew(provider.sealed_api_key, field=field, shown=field, bound_to=bound_to)
        providers[name] = replace(provider, sealed_api_key=key)
    for job_id, made in row.fine_tunes.items():
        account = anew(made.sealed_account, field="account", shown=f"fine_tunes/{job_id}/account")
        fine_tunes[job_id] = replace(made, sealed_account=account)
    vault = row.vault
    if vault is not None and vault.sealed:
        fields = {name: f"vault/{name}" for name in vault.sealed}
        kept = {name: anew(vault.sealed[name], field=field, shown=field) for name, field in fields.items()}
        vault = replace(vault, sealed=kept)
    after = replace(row, providers=providers, fine_tunes=fine_tunes, vault=vault) if sealed else None
    return Anew(after, tuple(sealed), tuple(sorted(old)), tuple(closed))


async def rotate(store: Store, keyring: Keyring, say: Say) -> Rotation:
    """Goes over all tenants, deleted ones too, until nothing is left to seal anew. Raises StoreUnavailable.

    Gives up after some passes in which something was: a gateway that has another first key goes on sealing with it.
    """
    done = Rotation(keyring.names)
    for number in range(1, _PASSES + 1):
        found = await _pass(store, keyring, say)
        marks, unread = await _marks(store, keyring)
        sealed = sum(len(one.sealed) for one in found)
        done.tenants = len({one.tenant for one in found})
        done.sealed += sealed
        done.marks += marks
        done.closed = {(one.tenant, field): why for one in found for field, why in one.closed} | unread
        say(f"pass {number}: {done.tenants} tenants looked at, {sealed} secrets sealed anew")
        if not sealed and not marks:
            done.settled = True
            break
    return done


async def _pass(store: Store, keyring: Keyring, say: Say) -> list[Found]:
    """One walk over the tenants, some of them at a time; one that the walk meets twice is in it twice."""
    found: list[Found] = []
    batch: list[tuple[str, Row]] = []

    async def look() -> None:
        found.extend(await asyncio.gather(*(_tenant(store, name, row, keyring) for name, row in batch)))
        batch.clear()

    async for name, row in store.scan(keys.TENANTS):
        batch.append((name, row))
        if len(batch) == _AT_ONCE:
            await look()
            if len(found) % _TOLD_EVERY < _AT_ONCE:
                say(f"  {len(found)} tenants looked at")
    await look()
    return found


async def _tenant(store: Store, name: str, row: Row | None, keyring: Keyring) -> Found:
    """One tenant's row, planned again whenever somebody else was faster."""
    while row is not None:
        try:
            anew = seal_anew(tenant_row(row), keyring)
        except msgspec.MsgspecError:
            return Found(name, closed=(("the row", "another version wrote it, or it is damaged"),))
        if anew.after is None:
            return Found(name, closed=anew.closed)
        write = Write(keys.TENANTS, name, row, msgspec.json.encode(anew.after))
        try:
            await store.commit([write], audit=_record(name, anew, keyring), tenant=name)
        except Conflict:
            row = await store.row(keys.TENANTS, name)
            continue
        return Found(name, anew.sealed, anew.closed)
    return Found(name)


async def _marks(store: Store, keyring: Keyring) -> tuple[int, dict[tuple[str, str], str]]:
    """Seals the marks of HOUSESTYLE_BOOTSTRAP's entries anew, of those too that its file has no more: how many there
    were, and why others cannot be opened."""
    sealed = 0
    closed: dict[tuple[str, str], str] = {}
    async for name, found in store.scan(keys.BOOTSTRAP):
        row: Row | None = found
        while row is not None:
            try:
                after = _mark_anew(name, row, keyring)
                if after is not None:
                    await store.commit([Write(keys.BOOTSTRAP, name, row, after)])
                    sealed += 1
            except Conflict:
                row = await store.row(keys.BOOTSTRAP, name)
                continue
            except CannotOpen as error:
                closed[_OF_THE_FILE, name] = str(error)
            except msgspec.MsgspecError:
                closed[_OF_THE_FILE, name] = "another version wrote it, or it is damaged"
            break
    return sealed, closed


def _mark_anew(name: str, row: Row, keyring: Keyring) -> bytes | None:
    """A mark (see `bootstrap/marks.py`) sealed with the first key; None where nothing is to be done."""
    mark = msgspec.json.decode(row.body, type=dict[str, str])
    if not mark.get("sealed"):
        return None  # of a key that was revoked: it holds nothing
    field = f"bootstrap/{name}"
    digest = keyring.open(mark["sealed"], tenant="", field=field)
    if sealed_with(mark["sealed"]) == keyring.first:
        return None
    return msgspec.json.encode(mark | {"sealed": keyring.seal(digest, tenant="", field=field)})


def _record(tenant: str, anew: Anew, keyring: Keyring) -> bytes:
    """The audit record; keys by their names."""
    return audits.encode(
        _ACTOR,
        time=timestamps.from_seconds(time.time()),
        action="keys.rotate",
        tenant=tenant,
        before={"encryption_keys": anew.old_keys},
        after={"encryption_keys": [keyring.first], "sealed": anew.sealed},
    )


def summary(done: Rotation) -> list[str]:
    """The outcome in plain words, a line each."""
    first, *others = done.keys
    lines = [f"{done.sealed} secrets of {done.tenants} tenants were sealed anew with the first key ({first})."]
    if done.marks:
        lines += [f"So were {done.marks} marks of what HOUSESTYLE_BOOTSTRAP has applied."]
    lines += [f"{tenant}: {field} cannot be opened: {why}." for (tenant, field), why in sorted(done.closed.items())]
    if not done.settled:
        lines += [
            "It does not end: something goes on sealing with another key. Give every gateway and worker the same",
            "HOUSESTYLE_ENCRYPTION_KEYS, the new key first, start them again, and run this again. Keep the old keys.",
        ]
    elif done.closed:
        lines += [
            f"{len(done.closed)} could not be opened and are left as they are. Run this again with the key that sealed",
            "them, or give those providers their API keys anew. Keep the old keys until then.",
        ]
    elif others:
        lines += [
            f"No row needs the old keys ({', '.join(others)}) any more: they may be removed now.",
            "Keep them as long as you keep backups of the store from before now.",
        ]
    else:
        lines += ["No row needs any other key."]
    return lines


def run(environ: Mapping[str, str], say: Say) -> Rotation:
    """Rotates in the store that the environment names. Raises SettingsError, EmbeddedError, StoreUnavailable."""
    settings = read(environ)
    keyring = Keyring(_keys(settings))
    if settings.redis_url is not None:
        return asyncio.run(_run(settings.redis_url, settings, keyring, say))
    url = running_url(settings.data_dir)
    if url is not None:
        _refuse_unread_keys(settings, keyring)
        return asyncio.run(_run(url, settings, keyring, say))
    with EmbeddedRedis(settings.data_dir, environ) as embedded:
        return asyncio.run(_run(embedded.url, settings, keyring, say))


async def _run(url: str, settings: Settings, keyring: Keyring, say: Say) -> Rotation:
    store = Store(url, settings.audit_days)
    try:
        return await rotate(store, keyring, say)
    finally:
        await store.close()


def _keys(settings: Settings) -> tuple[bytes, ...]:
    """The encryption keys that are given or kept; none is made here. Raises SettingsError."""
    found = settings.encryption_keys or (datadir.kept_encryption_keys(settings.data_dir) if settings.embedded else ())
    if found:
        return found
    if settings.embedded:
        raise SettingsError(f"{settings.data_dir} holds no encryption key: nothing was ever sealed there.")
    raise SettingsError("With HOUSESTYLE_REDIS_URL set, HOUSESTYLE_ENCRYPTION_KEYS must be set too.")


def _refuse_unread_keys(settings: Settings, keyring: Keyring) -> None:
    """A gateway that has not read the new key could not open what is sealed with it. Raises SettingsError."""
    if settings.encryption_keys or len(keyring.names) == 1:
        return
    file = settings.data_dir / datadir.ENCRYPTION_KEYS
    if file.stat().st_mtime > running_since(settings.data_dir):
        raise SettingsError(f"{file} was changed after the gateway was started. Start the gateway again first.")
