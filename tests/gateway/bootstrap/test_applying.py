"""Applying: each entry once, whatever ends a run; what an admin did since stays; nothing is revived or deleted."""

import asyncio
import contextlib
import gzip
import hashlib
import ipaddress
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from structlog.testing import capture_logs

from gateway import timestamps
from gateway.admin.changes import Control
from gateway.admin.credentials import Credentials
from gateway.admin.handling import Asked
from gateway.admin.schemas import KeyPost
from gateway.bootstrap.applying import Applier, Failure, Report
from gateway.bootstrap.document import Document, Named, parse
from gateway.provider_keys import open_api_key
from gateway.secrets import Keyring
from gateway.store import keys
from gateway.store.connection import Store, StoreUnavailable, Write
from gateway.store.rows import KeyRow, TenantRow, key_row, tenant_row
from gateway.upstream.addresses import Guard
from gateway.vault_opening import VaultOpener
from policies.values import Caller, Role
from tests.support.redis import stoppable
from tests.support.vaults import write_vault

HASH = hashlib.sha256(b"hs_one").hexdigest()
KEY = f"key_{HASH[:32]}"
SERVICE = hashlib.sha256(b"hs_service").hexdigest()
SECRET = "sk-secret-of-the-provider"
ALLOWED = ipaddress.ip_network("192.0.2.0/24")  # so that no name has to be resolved
OLD, NEW = b"o" * 32, b"n" * 32

TENANT = "tenants: {fairfax: {name: Fairfax LLP, rule: all}}"
FULL = f"""
tenants:
  fairfax:
    name: Fairfax LLP
    providers:
      openai: {{kind: openai, default_model: gpt-4o-mini, base_url: "https://192.0.2.1/v1", api_key: {SECRET}}}
      other: {{kind: openai_compatible, default_model: m, base_url: "https://192.0.2.2/v1", is_default: true}}
    keys:
      - {{role: caller, label: assistant, sha256: {HASH}}}
  acme: {{}}
keys:
  - {{role: service, label: workflows, sha256: {SERVICE}}}
"""
PATHS = [
    "tenants.fairfax",
    "tenants.fairfax.providers.openai",
    "tenants.fairfax.providers.other",
    f"tenants.fairfax.keys.{KEY}",
    "tenants.acme",
    f"keys.key_{SERVICE[:32]}",
]


def document(text: str) -> Document:
    """The document that `text` is."""
    return parse(text.encode(), Named({}, lambda path: path))


def applier(
    store: Store,
    roots: tuple[str, ...] = (),
    encryption: tuple[bytes, ...] = (OLD,),
    holder: Callable[[str], str | None] = lambda _: None,
    entry_seconds: float = 60,
) -> Applier:
    """What a replica has."""
    keyring, guard = Keyring(encryption), Guard((ALLOWED,))
    return Applier(store, now, keyring, guard, VaultOpener(keyring, guard, None, roots), holder, entry_seconds)


def now() -> str:
    """The time, as rows have it."""
    return timestamps.from_seconds(time.time())


async def apply(store: Store, text: str, **more: Any) -> Report:
    """One run of a replica that starts."""
    return await applier(store, **more).apply(document(text))


def asked(owner: str, body: Any, **path: str) -> Asked:
    """What an admin asks for; "" is the platform."""
    admin = Caller("key_admin", Role.PLATFORM_ADMIN, None, "")
    return Asked(caller=admin, tenant=owner, body=body, path=path, query={}, headers={})


async def tenant(store: Store, name: str = "fairfax") -> TenantRow:
    """The tenant as it stands."""
    row = await store.row(keys.TENANTS, name)
    assert row is not None
    return tenant_row(row)


async def key(store: Store, key_id: str = KEY) -> KeyRow | None:
    """The key as it stands."""
    row = await store.row(keys.KEYS, key_id)
    return key_row(row) if row is not None else None


async def change_tenant(store: Store, name: str = "fairfax", **changes: Any) -> None:
    """What an admin does to a tenant."""
    row = await store.row(keys.TENANTS, name)
    assert row is not None
    after = msgspec.json.encode(replace(tenant_row(row), **changes))
    await store.commit([Write(keys.TENANTS, name, row, after)])


async def revoke(store: Store, owner: str = "fairfax", key_id: str = KEY) -> None:
    """What an admin does to a key."""
    row, listed = await store.row(keys.KEYS, key_id), await store.row(keys.keys_of(owner), key_id)
    await store.commit([Write(keys.KEYS, key_id, row, None), Write(keys.keys_of(owner), key_id, listed, None)])


async def audited(store: Store) -> list[dict[str, Any]]:
    """The audit records, oldest first."""
    entries = await cast("Any", store.redis.xrange(keys.AUDIT))
    return [msgspec.json.decode(entry[b"record"]) for _, entry in entries]


async def control_plane(store: Store) -> dict[str, Any]:
    """What the file comes to, without times and what is sealed, and how many audit records say so."""
    state: dict[str, Any] = {}
    for table in (keys.TENANTS, keys.KEYS, keys.keys_of("fairfax"), keys.keys_of("")):
        for field in await store.fields(table):
            row = await store.row(table, field)
            assert row is not None
            said = msgspec.json.decode(row.body)
            for name in ("created_at", "updated_at"):
                said.pop(name, None)
            for provider in said.get("providers", {}).values():
                provider.pop("sealed_api_key", None)
            state[f"{table}/{field}"] = said
    records = [(record["action"], record["tenant"]) for record in await audited(store)]
    return {"rows": state, "marks": await store.fields(keys.BOOTSTRAP), "audit": sorted(records, key=str)}


# a run


async def test_everything_is_applied_once(store: Store) -> None:
    begun = time.monotonic()
    first = await apply(store, FULL)
    assert time.monotonic() - begun < 2 * len(PATHS), "it waits for replicas"
    assert first.applied == tuple(PATHS)
    assert (first.unchanged, first.gone, first.removed, first.failed) == ((), (), (), ())
    assert first.revision == await store.revision() == len(PATHS)
    fairfax = await tenant(store)
    assert (fairfax.name, fairfax.default_provider, set(fairfax.providers)) == (
        "Fairfax LLP",
        "other",
        {"openai", "other"},
    )
    made = await key(store)
    assert made is not None
    assert (made.sha256, made.role, made.tenant, made.label) == (HASH, "caller", "fairfax", "assistant")
    assert await store.fields(keys.keys_of("")) == [f"key_{SERVICE[:32]}"]
    second = await apply(store, FULL)
    assert second.unchanged == tuple(PATHS)
    assert second.applied == ()
    assert await store.revision() == len(PATHS)


async def test_the_audit_log_says_who(store: Store) -> None:
    await apply(store, FULL)
    records = await audited(store)
    assert [record["action"] for record in records] == [
        "tenant.put",
        "provider.put",
        "provider.put",
        "key.make",
        "tenant.put",
        "key.make",
    ]
    for record in records:
        assert record["actor"] | {"address": None} == {
            "type": "platform_admin",
            "id": "bootstrap",
            "label": "HOUSESTYLE_BOOTSTRAP",
            "address": None,
        }


async def test_no_secret_and_no_plain_hash_of_one_is_stored_or_logged(store: Store) -> None:
    with capture_logs() as logs:
        await apply(store, FULL)
        await apply(store, FULL.replace("https://192.0.2.1", "https://127.0.0.1"))
    everything = repr(logs).encode()
    for name in await store.redis.keys("*"):
        kind = await store.redis.type(name)
        if kind == b"hash":
            everything += repr(await store.redis.hgetall(name)).encode()
        elif kind == b"stream":
            everything += repr(await store.redis.xrange(name)).encode()
    assert b"gpt-4o-mini" in everything
    assert SECRET.encode() not in everything
    assert all(entry.digest.encode() not in everything for entry in document(FULL).entries)


async def test_a_vault_is_counted(store: Store, tmp_path: Path) -> None:
    vault = write_vault(tmp_path / "fairfax.jsonl", 12, 3)
    text = f"tenants: {{fairfax: {{vault: {{url: {vault.as_uri()}}}}}}}"
    report = await apply(store, text, roots=(f"{tmp_path.as_uri()}/",))
    assert report.applied == ("tenants.fairfax", "tenants.fairfax.vault")
    row = (await tenant(store)).vault
    assert row is not None
    assert (row.ready_chunks, row.other_chunks) == (12, 3)


# what an admin did since


async def test_what_an_admin_changed_since_is_left_alone(store: Store) -> None:
    await apply(store, FULL)
    await change_tenant(store, rule="off", suspended=True, providers={}, default_provider=None)
    report = await apply(store, FULL)
    assert report.applied == ()
    after = await tenant(store)
    assert (after.rule, after.suspended, after.providers) == ("off", True, {})


async def test_an_entry_that_changes_is_applied_in_what_it_names(store: Store) -> None:
    await apply(store, TENANT)
    await change_tenant(store, suspended=True, fallback="fail", rule="off")
    report = await apply(store, TENANT.replace("Fairfax LLP", "Fairfax & Co"))
    assert report.applied == ("tenants.fairfax",)
    after = await tenant(store)
    assert (after.name, after.rule, after.suspended, after.fallback) == ("Fairfax & Co", "all", True, "fail")


async def test_what_stands_already_is_marked_and_not_audited(store: Store) -> None:
    await apply(store, TENANT)
    await cast("Any", store.redis.delete(keys.table("bootstrap")))
    before = await tenant(store)
    assert (await apply(store, TENANT)).applied == ("tenants.fairfax",)
    assert (await apply(store, TENANT)).unchanged == ("tenants.fairfax",)
    assert len(await audited(store)) == 1
    assert await tenant(store) == before


async def test_a_rotated_secret_is_applied(store: Store) -> None:
    await apply(store, FULL)
    report = await apply(store, FULL.replace(SECRET, "sk-another-secret"))
    assert report.applied == ("tenants.fairfax.providers.openai",)
    provider = (await tenant(store)).providers["openai"]
    assert open_api_key("fairfax", "openai", provider, Keyring((OLD,))) == "sk-another-secret"


async def test_a_key_changes_its_label_and_keeps_its_age(store: Store) -> None:
    await apply(store, FULL)
    before = await key(store)
    report = await apply(store, FULL.replace("assistant", "Assistant 2"))
    after = await key(store)
    assert report.applied == (PATHS[3],)
    assert before is not None
    assert after == replace(before, label="Assistant 2")
    assert (await audited(store))[-1]["action"] == "key.change"


@pytest.mark.parametrize("change", [lambda text: text, lambda text: text.replace("assistant", "other")])
async def test_a_revoked_key_is_never_revived(store: Store, change: Callable[[str], str]) -> None:
    await apply(store, FULL)
    await revoke(store)
    for _ in range(2):
        with capture_logs() as logs:
            report = await apply(store, change(FULL))
        assert report.gone == (PATHS[3],)
        assert report.failed == ()
        assert [line for line in logs if line["event"] == "bootstrap_entry_gone"] == [
            {"event": "bootstrap_entry_gone", "log_level": "warning", "path": PATHS[3]}
        ]
    assert await key(store) is None


async def test_a_key_that_is_revoked_at_that_moment_is_not_revived(store: Store) -> None:
    """Between the look at its mark and the change: whoever asks for the key's holder finds it revoked."""
    await apply(store, FULL)

    def revoked_meanwhile(_: str) -> None:
        with redis.Redis.from_url(store.url, protocol=2) as admin:
            admin.hdel(keys.table(keys.KEYS), KEY)

    report = await apply(store, FULL.replace("assistant", "other"), holder=revoked_meanwhile)
    assert report.gone == (PATHS[3],)
    assert await key(store) is None


async def test_a_revoked_key_is_not_revived_at_another_tenant(store: Store) -> None:
    moved = f"tenants: {{fairfax: {{}}, acme: {{keys: [{{role: caller, sha256: {HASH}}}]}}}}"
    await apply(store, FULL)
    report = await apply(store, moved)
    [failure] = report.failed
    assert failure.path == f"tenants.acme.keys.{KEY}"
    assert "This key belongs to the tenant fairfax" in failure.cause
    await revoke(store)
    assert (await apply(store, moved)).gone == (f"tenants.acme.keys.{KEY}",)
    assert await key(store) is None


async def test_a_key_that_the_api_made_and_revoked_is_not_made_by_the_file(store: Store) -> None:
    """The file may have the hash of a key that the API has made; once that is revoked, its text opens nothing."""
    await apply(store, TENANT)
    credentials = Credentials(Control(store, now))
    for owner, role in (("fairfax", "caller"), ("", "service")):
        body = msgspec.convert({"role": role, "label": "by the API"}, KeyPost)
        made = await credentials.make(asked(owner, body))
        sha256 = hashlib.sha256(made.body.key.encode()).hexdigest()
        its = f"[{{role: {role}, sha256: {sha256}}}]"
        text = f"tenants: {{fairfax: {{keys: {its}}}}}" if owner else f"keys: {its}"
        path = f"{'tenants.fairfax.' if owner else ''}keys.key_{sha256[:32]}"
        [failure] = (await apply(store, text, holder={sha256: made.body.id}.get)).failed
        assert failure.path == path
        await credentials.revoke(asked(owner, None, key=made.body.id))
        for _ in range(2):
            report = await apply(store, text)
            assert report.gone == (path,)
            assert await key(store, f"key_{sha256[:32]}") is None
        assert "" not in report.removed
        assert (await apply(store, TENANT)).removed == ()  # what was never applied is not missed


async def test_a_revoked_key_of_the_file_keeps_its_mark(store: Store) -> None:
    await apply(store, FULL)
    await Credentials(Control(store, now)).revoke(asked("fairfax", None, key=KEY))
    assert (await apply(store, FULL)).gone == (PATHS[3],)
    assert PATHS[3] in (await apply(store, TENANT)).removed


async def test_a_deleted_tenant_stays_deleted(store: Store) -> None:
    await apply(store, FULL)
    await change_tenant(store, deleted=True)
    report = await apply(store, FULL.replace("Fairfax LLP", "Fairfax again"))
    assert report.gone == tuple(PATHS[:4])
    assert report.unchanged == tuple(PATHS[4:])
    assert (await tenant(store)).deleted


async def test_a_removed_entry_is_reported_at_each_start_and_not_deleted(store: Store) -> None:
    await apply(store, FULL)
    for _ in range(2):
        with capture_logs() as logs:
            report = await apply(store, "tenants: {fairfax: {name: Fairfax LLP}}")
        assert sorted(report.removed) == sorted(PATHS[1:])
        said = [line for line in logs if line["event"] == "bootstrap_entry_removed"]
        assert sorted(line["path"] for line in said) == sorted(PATHS[1:])
        assert {line["log_level"] for line in said} == {"warning"}
    assert await key(store) is not None
    assert set((await tenant(store)).providers) == {"openai", "other"}
    assert (await apply(store, FULL)).unchanged == tuple(PATHS)


# failures


async def test_one_that_fails_does_not_keep_the_others(store: Store, tmp_path: Path) -> None:
    text = f"""
    tenants:
      fairfax:
        providers:
          private: {{kind: openai_compatible, default_model: m, base_url: "http://127.0.0.1/v1", api_key: {SECRET}}}
        vault: {{url: {tmp_path.as_uri()}/none.jsonl}}
        keys: [{{role: caller, sha256: {HASH}}}]
    """
    with capture_logs() as logs:
        report = await apply(store, text, roots=(f"{tmp_path.as_uri()}/",))
    assert report.applied == ("tenants.fairfax", PATHS[3])
    assert [failure.path for failure in report.failed] == ["tenants.fairfax.providers.private", "tenants.fairfax.vault"]
    assert "HOUSESTYLE_UPSTREAM_ALLOW" in report.failed[0].cause
    said = [line for line in logs if line["event"] == "bootstrap_entry_failed"]
    assert [(line["path"], line["code"]) for line in said] == [
        ("tenants.fairfax.providers.private", "address_not_allowed"),
        ("tenants.fairfax.vault", "vault_unreadable"),
    ]
    write_vault(tmp_path / "none.jsonl", 10)
    again = await apply(store, text, roots=(f"{tmp_path.as_uri()}/",))
    assert again.applied == ("tenants.fairfax.vault",)


async def test_one_that_does_not_end_fails_and_the_others_go_on(store: Store, tmp_path: Path) -> None:
    vault = tmp_path / "fairfax.jsonl.gz"
    vault.write_bytes(gzip.compress(b"\n" * 2**24))
    text = f"tenants: {{fairfax: {{vault: {{url: {vault.as_uri()}}}, keys: [{{role: caller, sha256: {HASH}}}]}}}}"
    with capture_logs() as logs:
        report = await apply(store, text, roots=(f"{tmp_path.as_uri()}/",), entry_seconds=1.5)
    assert report.applied == ("tenants.fairfax", PATHS[3])
    assert report.failed == (Failure("tenants.fairfax.vault", "it did not end within 1.5 seconds"),)
    assert [line["path"] for line in logs if line["event"] == "bootstrap_entry_failed"] == ["tenants.fairfax.vault"]


async def test_the_hash_of_a_key_that_the_api_made_is_refused(store: Store) -> None:
    report = await apply(store, FULL, holder={HASH: "key_of_the_api"}.get)
    [failure] = report.failed
    assert failure.path == PATHS[3]
    assert "key_of_the_api" in failure.cause


async def test_a_store_that_goes_away_ends_the_run_and_the_next_goes_on(tmp_path: Path) -> None:
    with stoppable(tmp_path) as server:
        store = Store(server.url)
        try:
            entries = document(FULL).entries
            await applier(store).apply(Document(entries[:2]))
            server.stop()
            with pytest.raises(StoreUnavailable):
                await apply(store, FULL)
            await asyncio.to_thread(server.start)
            report = await apply(store, FULL)
            assert (report.unchanged, report.applied) == (tuple(PATHS[:2]), tuple(PATHS[2:]))
        finally:
            await store.close()


# killed on the way, and several at once


@contextlib.asynccontextmanager
async def fresh(url: str) -> AsyncIterator[Store]:
    """An empty store and a process that knows nothing of what was there before."""
    store = Store(url)
    await store.redis.flushall()
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture
async def whole(redis_url: str) -> dict[str, Any]:
    """What one whole run leaves."""
    async with fresh(redis_url) as store:
        await apply(store, FULL)
        return await control_plane(store)


@pytest.mark.parametrize("commits", range(1, len(PATHS)))
async def test_a_run_that_is_killed_is_ended_by_the_next(redis_url: str, whole: dict[str, Any], commits: int) -> None:
    async with fresh(redis_url) as store:
        run = asyncio.create_task(apply(store, FULL))
        while await store.revision() < commits:  # noqa: ASYNC110 - a test's only waiting
            await asyncio.sleep(0)
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
        report = await apply(store, FULL)
        assert len(report.unchanged) >= commits
        assert await control_plane(store) == whole


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ended_after=st.lists(st.integers(0, len(PATHS)), max_size=4))
async def test_runs_that_ended_anywhere_come_to_the_same(
    redis_url: str, whole: dict[str, Any], ended_after: list[int]
) -> None:
    async with fresh(redis_url) as store:
        for entries in ended_after:
            await applier(store).apply(Document(document(FULL).entries[:entries]))
        await apply(store, FULL)
        assert await control_plane(store) == whole


async def test_replicas_that_start_together_make_each_change_once(redis_url: str, whole: dict[str, Any]) -> None:
    async with fresh(redis_url) as first, contextlib.AsyncExitStack() as stack:
        others = [Store(redis_url) for _ in range(3)]
        for other in others:
            stack.push_async_callback(other.close)
        reports = await asyncio.gather(*(apply(store, FULL) for store in (first, *others)))
        assert sorted(path for report in reports for path in report.applied) == sorted(PATHS)
        for report in reports:
            assert report.failed == ()
            assert sorted((*report.applied, *report.unchanged)) == sorted(PATHS)
        assert await control_plane(first) == whole


# the encryption keys


async def test_marks_outlive_the_key_that_sealed_them(store: Store) -> None:
    await apply(store, FULL, encryption=(OLD,))
    before = await control_plane(store)
    for encryption in ((NEW, OLD), (NEW,)):
        with capture_logs() as logs:
            report = await apply(store, FULL, encryption=encryption)
        assert report.unchanged == tuple(PATHS)
        assert logs == []
    assert await control_plane(store) == before


async def test_a_mark_that_no_key_opens_is_said_and_applied_again(store: Store) -> None:
    await apply(store, TENANT, encryption=(OLD,))
    with capture_logs() as logs:
        report = await apply(store, TENANT, encryption=(NEW,))
    assert report.applied == ("tenants.fairfax",)
    assert [line["event"] for line in logs] == ["bootstrap_mark_unreadable", "bootstrap_entry_applied"]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"path":7}', b"[]"])
async def test_a_damaged_mark_stops_nothing(store: Store, body: bytes) -> None:
    """Of an entry that the file has, which is applied again, and of one that it has no more."""
    await apply(store, FULL)
    for name in await store.fields(keys.BOOTSTRAP):
        await cast("Any", store.redis.hset(keys.table(keys.BOOTSTRAP), name, b"9 " + body))
    report = await apply(store, "tenants: {fairfax: {name: Fairfax LLP}}")
    assert (report.applied, report.failed, report.removed) == ((PATHS[0],), (), ())
    assert (await apply(store, "tenants: {fairfax: {name: Fairfax LLP}}")).unchanged == (PATHS[0],)
