"""Rotation of the encryption keys: what it does to a row, that it ends, and that nobody notices."""

import asyncio
import base64
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import httpx2
import msgspec
import pytest
import redis as redis_py
from msgspec.structs import replace

from gateway import rotation
from gateway.datadir import complete, kept_encryption_keys
from gateway.provider_keys import open_api_key, seal_api_key
from gateway.rotation import Rotation, rotate, seal_anew, summary
from gateway.secrets import CannotOpen, Keyring, sealed_with
from gateway.settings import SettingsError, read
from gateway.store import keys
from gateway.store.connection import Conflict, Store, Write
from gateway.store.embedded import EmbeddedRedis, running_url
from gateway.store.rows import FineTuneRow, ProviderRow, TenantRow, VaultRow, tenant_row
from tests.gateway.test_serving import housestyle
from tests.support.admin import NO_TLS, STOCK, Admin
from tests.support.firms import Firm
from tests.support.processes import gateway_environ, running, wait_until
from tests.support.upstream import Peer, Received, Upstream, completion

NOW = "2026-11-22T12:00:00.000Z"
OLD_KEY, NEW_KEY, LOST_KEY = b"o" * 32, b"n" * 32, b"l" * 32
OLD, NEW, LOST = Keyring((OLD_KEY,)), Keyring((NEW_KEY,)), Keyring((LOST_KEY,))
BOTH = Keyring((NEW_KEY, OLD_KEY))


def text(*encryption_keys: bytes) -> str:
    """Keys as HOUSESTYLE_ENCRYPTION_KEYS has them."""
    return ",".join(base64.b64encode(key).decode() for key in encryption_keys)


def provider(ring: Keyring, tenant: str, name: str = "main", secret: str | None = None) -> ProviderRow:
    """A provider whose credential is sealed with the ring's first key."""
    row = ProviderRow("openai", "https://api.example/v1", STOCK, None, "…main")
    sealed = seal_api_key(secret or f"sk-{tenant}-{name}", tenant, name, row, ring)
    return replace(row, sealed_api_key=sealed)


def unbound(ring: Keyring, tenant: str) -> ProviderRow:
    """The same as the first versions sealed it: bound to no address."""
    sealed = ring.seal(f"sk-{tenant}-main", tenant=tenant, field="providers/main/api_key")
    return replace(provider(ring, tenant), sealed_api_key=sealed)


def tenant(ring: Keyring, name: str = "acme", /, **more: Any) -> TenantRow:
    """A tenant with a provider and a fine-tune."""
    account = ring.seal(f"account-of-{name}", tenant=name, field="account")
    row = TenantRow(
        name,
        NOW,
        NOW,
        default_provider="main",
        providers={"main": provider(ring, name)},
        fine_tunes={"job_1": FineTuneRow("main", "ft:1", STOCK, account)},
    )
    return replace(row, **more)


def opened(row: TenantRow, ring: Keyring) -> list[str]:
    """Every secret of a row. Raises CannotOpen."""
    found = [
        key for name, made in row.providers.items() if (key := open_api_key(row.tenant, name, made, ring)) is not None
    ]
    accounts = [made.sealed_account for made in row.fine_tunes.values() if made.sealed_account]
    return [*found, *(ring.open(sealed, tenant=row.tenant, field="account") for sealed in accounts)]


async def put(store: Store, row: TenantRow) -> None:
    """Puts a tenant, whatever stood there."""
    while True:
        write = Write(keys.TENANTS, row.tenant, await store.row(keys.TENANTS, row.tenant), msgspec.json.encode(row))
        with contextlib.suppress(Conflict):
            await store.commit([write])
            return


async def tenants(store: Store) -> dict[str, TenantRow]:
    """All of them."""
    return {name: tenant_row(row) async for name, row in store.scan(keys.TENANTS)}


async def records(store: Store) -> list[dict[str, Any]]:
    """The audit records, oldest first."""
    found = await cast("Any", store.redis.xrange(keys.AUDIT))
    return [msgspec.json.decode(value) for _, fields in found for value in fields.values() if value[:1] == b"{"]


def quiet(_: str) -> None:
    """Takes what a rotation says."""


# what becomes of a row


def test_what_an_old_key_sealed_is_sealed_anew_and_nothing_else_changes() -> None:
    before = tenant(OLD)
    done = seal_anew(before, BOTH)
    assert done.after is not None
    assert opened(done.after, NEW) == opened(before, OLD) == ["sk-acme-main", "account-of-acme"]
    assert done.sealed == ("providers/main/api_key", "fine_tunes/job_1/account")
    assert done.old_keys == (OLD.first,)
    assert done.closed == ()
    bare: dict[str, Any] = {"providers": {}, "fine_tunes": {}}
    assert replace(done.after, **bare) == replace(before, **bare)
    main = replace(done.after.providers["main"], sealed_api_key=before.providers["main"].sealed_api_key)
    assert main == before.providers["main"]


def test_a_key_that_is_bound_to_no_address_is_sealed_anew_by_the_key_that_it_has() -> None:
    before = tenant(NEW, providers={"main": unbound(NEW, "acme")})
    done = seal_anew(before, NEW)
    assert done.after is not None
    assert done.sealed == ("providers/main/api_key",)
    main = done.after.providers["main"]
    assert open_api_key("acme", "main", main, NEW) == "sk-acme-main"
    assert replace(main, sealed_api_key=None) == replace(before.providers["main"], sealed_api_key=None)
    with pytest.raises(CannotOpen):
        open_api_key("acme", "main", replace(main, base_url="https://elsewhere.example/v1"), NEW)
    assert seal_anew(done.after, NEW) == rotation.Anew(None)


def test_a_vaults_secrets_are_sealed_anew_too() -> None:
    sealed = {name: OLD.seal(f"{name}-1", tenant="acme", field=f"vault/{name}") for name in ("token", "password")}
    before = tenant(NEW, vault=VaultRow("https://vault.example/a", 2, 1, {"region": "eu"}, sealed))
    done = seal_anew(before, BOTH)
    assert done.after is not None
    assert done.after.vault is not None
    assert done.sealed == ("vault/token", "vault/password")
    for name, anew in done.after.vault.sealed.items():
        assert NEW.open(anew, tenant="acme", field=f"vault/{name}") == f"{name}-1"
    assert replace(done.after, vault=before.vault) == before
    assert seal_anew(done.after, BOTH) == rotation.Anew(None)
    lost = {"token": LOST.seal("x", tenant="acme", field="vault/token")}
    closed = seal_anew(tenant(NEW, vault=VaultRow("https://vault.example/a", 2, 1, {}, lost)), BOTH)
    assert [field for field, _ in closed.closed] == ["vault/token"]


def test_what_the_first_key_sealed_is_left() -> None:
    assert seal_anew(tenant(NEW), BOTH) == rotation.Anew(None)


def test_of_a_row_only_what_is_old() -> None:
    before = tenant(NEW, providers={"new": provider(NEW, "acme", "new"), "old": provider(OLD, "acme", "old")})
    done = seal_anew(before, BOTH)
    assert done.after is not None
    assert done.sealed == ("providers/old/api_key",)
    assert done.after.providers["new"] == before.providers["new"]
    assert done.after.fine_tunes == before.fine_tunes


def test_a_row_without_secrets_is_left() -> None:
    bare = TenantRow("acme", NOW, NOW, providers={"main": ProviderRow("openai", "", STOCK)})
    assert seal_anew(bare, BOTH) == rotation.Anew(None)


def test_what_cannot_be_opened_is_left_and_told_and_the_rest_goes_on() -> None:
    made_elsewhere = provider(OLD, "jones", "moved")
    before = tenant(
        OLD,
        providers={
            "good": provider(OLD, "acme", "good"),
            "lost": provider(LOST, "acme", "lost"),
            "moved": made_elsewhere,
            "junk": replace(made_elsewhere, sealed_api_key="junk"),
        },
    )
    done = seal_anew(before, BOTH)
    assert done.after is not None
    assert [field for field, _ in done.closed] == [f"providers/{name}/api_key" for name in ("lost", "moved", "junk")]
    assert done.sealed == ("providers/good/api_key", "fine_tunes/job_1/account")
    for name in ("lost", "moved", "junk"):
        assert done.after.providers[name] == before.providers[name]


def test_what_the_first_key_sealed_and_cannot_open_is_told_too() -> None:
    altered = replace(provider(NEW, "acme"), sealed_api_key=NEW.seal("sk-1", tenant="other", field="other"))
    done = seal_anew(tenant(NEW, providers={"main": altered}), BOTH)
    assert done.after is None
    assert [field for field, _ in done.closed] == ["providers/main/api_key"]


# a whole store


async def test_every_tenant_also_a_deleted_one(store: Store) -> None:
    names = [f"firm-{number}" for number in range(100)]
    for name in names:
        await put(store, tenant(OLD, name))
    await put(store, tenant(OLD, "gone", deleted=True))

    done = await rotate(store, BOTH, quiet)
    assert (done.tenants, done.sealed, done.closed, done.complete) == (101, 202, {}, True)
    for name, row in (await tenants(store)).items():
        assert opened(row, NEW) == [f"sk-{name}-main", f"account-of-{name}"]

    again = await rotate(store, NEW, quiet)
    assert (again.sealed, again.complete) == (0, True)
    assert len(await records(store)) == 101


async def test_each_change_has_its_record_which_names_keys_and_fields_alone(store: Store) -> None:
    await put(store, tenant(OLD))
    await rotate(store, BOTH, quiet)
    (record,) = await records(store)
    assert record.pop("time").endswith("Z")
    assert record == {
        "actor": {"type": "operator", "id": "rotate-keys", "label": "housestyle rotate-keys"},
        "action": "keys.rotate",
        "tenant": "acme",
        "address": None,
        "before": {"encryption_keys": [OLD.first]},
        "after": {
            "encryption_keys": [NEW.first],
            "sealed": ["providers/main/api_key", "fine_tunes/job_1/account"],
        },
    }


async def test_what_an_admin_changes_meanwhile_stands(store: Store, redis_url: str) -> None:
    """The admin still works with the old key first, as in the middle of a roll-out, and races for every row."""
    names = [f"firm-{number}" for number in range(40)]
    for name in names:
        await put(store, tenant(OLD, name))
    admin = Store(redis_url)

    async def change(name: str) -> None:
        for turn in range(5):
            changed = tenant(OLD, name, providers={"main": provider(OLD, name, secret=f"sk-{turn}")}, name=f"{turn}")
            await put(admin, changed)

    changing = asyncio.gather(*(change(name) for name in names))
    done = await rotate(store, BOTH, quiet)
    await changing
    last = await rotate(store, BOTH, quiet)
    await admin.close()
    assert done.closed == {}
    assert last.complete
    for name, row in (await tenants(store)).items():
        assert row.name == "4"
        assert opened(row, NEW) == ["sk-4", f"account-of-{name}"]


async def test_it_gives_up_where_something_goes_on_sealing_with_another_key(store: Store, redis_url: str) -> None:
    await put(store, tenant(OLD))

    def seal_with_the_old(said: str) -> None:
        if said.startswith("pass"):
            with redis_py.Redis.from_url(redis_url, protocol=2) as client:
                client.hset(keys.table(keys.TENANTS), "acme", b"1 " + msgspec.json.encode(tenant(OLD)))

    done = await rotate(store, BOTH, seal_with_the_old)
    assert not done.complete
    assert not done.settled
    assert "Keep the old keys" in " ".join(summary(done))


async def test_a_row_that_cannot_be_read_is_told(store: Store) -> None:
    await store.commit([Write(keys.TENANTS, "odd", None, b'{"tenant":1}')])
    await put(store, tenant(OLD))
    done = await rotate(store, BOTH, quiet)
    assert list(done.closed) == [("odd", "the row")]
    assert opened((await tenants_of(store, "acme")), NEW)


def mark(ring: Keyring, name: str) -> bytes:
    """What the bootstrap file's entry `name` left."""
    sealed = ring.seal(f"digest of {name}", tenant="", field=f"bootstrap/{name}")
    return msgspec.json.encode({"path": name, "sealed": sealed})


async def test_the_bootstrap_files_marks_are_sealed_anew(store: Store) -> None:
    names = ["tenants.acme", "keys.key_1"]
    writes = [Write(keys.BOOTSTRAP, name, None, mark(OLD, name)) for name in names]
    await store.commit([*writes, Write(keys.BOOTSTRAP, "keys.key_2", None, keys.TOMBSTONE)])
    done = await rotate(store, BOTH, quiet)
    assert (done.marks, done.complete) == (2, True)
    assert any("2 marks" in line for line in summary(done))
    for name, row in zip(names, await store.rows(keys.BOOTSTRAP, names), strict=True):
        assert row is not None
        said = msgspec.json.decode(row.body)
        assert said["path"] == name
        assert NEW.open(said["sealed"], tenant="", field=f"bootstrap/{name}") == f"digest of {name}"
    revision = await store.revision()
    again = await rotate(store, BOTH, quiet)
    assert (again.marks, again.complete, await store.revision()) == (0, True, revision)


async def test_a_mark_that_no_key_opens_needs_its_key(store: Store) -> None:
    await store.commit([Write(keys.BOOTSTRAP, "tenants.acme", None, mark(LOST, "tenants.acme"))])
    done = await rotate(store, BOTH, quiet)
    assert not done.complete
    assert list(done.closed) == [("HOUSESTYLE_BOOTSTRAP", "tenants.acme")]


async def tenants_of(store: Store, name: str) -> TenantRow:
    """One of them."""
    row = await store.row(keys.TENANTS, name)
    assert row is not None
    return tenant_row(row)


@pytest.mark.parametrize(
    ("done", "said"),
    [
        (Rotation(("a", "b"), 2, 4, settled=True), "they may be removed now"),
        (Rotation(("a",), 2, 0, settled=True), "No row needs any other key."),
        (Rotation(("a", "b"), 2, 4), "Keep the old keys"),
        (Rotation(("a", "b"), 2, 4, settled=True, closed={("acme", "f"): "why"}), "Keep the old keys"),
    ],
)
def test_the_summary_says_whether_the_old_keys_may_go(done: Rotation, said: str) -> None:
    words = "\n".join(summary(done))
    assert said in words
    assert done.complete is ("Keep the old keys" not in words)


# the command


def kill_in_the_middle(environ: dict[str, str], redis_url: str) -> None:
    """Starts a rotation and kills it when it has changed some rows."""
    with redis_py.Redis.from_url(redis_url, protocol=2) as client:
        begun = int(client.hget(keys.META, "revision") or 0)
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "rotate-keys"],
            env={**os.environ, **environ},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: int(client.hget(keys.META, "revision") or 0) > begun + 50, what="some rows")
        process.kill()
        process.wait(30)


async def test_killed_anywhere_it_is_run_again(store: Store, redis_url: str) -> None:
    count = 3000
    for number in range(0, count, 500):
        rows = [tenant(OLD, f"firm-{each}") for each in range(number, number + 500)]
        await store.commit([Write(keys.TENANTS, row.tenant, None, msgspec.json.encode(row)) for row in rows])
    environ = {"HOUSESTYLE_REDIS_URL": redis_url, "HOUSESTYLE_ENCRYPTION_KEYS": text(NEW_KEY, OLD_KEY)}

    await asyncio.to_thread(kill_in_the_middle, environ, redis_url)
    half = [sealed_with(row.providers["main"].sealed_api_key or "") for row in (await tenants(store)).values()]
    assert set(half) == {OLD.first, NEW.first}, "killed in the middle"
    for name, row in (await tenants(store)).items():
        assert opened(row, BOTH) == [f"sk-{name}-main", f"account-of-{name}"]

    done = await asyncio.to_thread(housestyle, ["rotate-keys"], environ)
    assert done.returncode == 0, done.stderr
    assert "may be removed now" in done.stdout
    assert f"{count} tenants looked at" in done.stderr
    for name, row in (await tenants(store)).items():
        assert opened(row, NEW) == [f"sk-{name}-main", f"account-of-{name}"]


async def test_what_cannot_be_opened_makes_it_fail(store: Store, redis_url: str) -> None:
    await put(store, tenant(OLD, providers={"lost": provider(LOST, "acme", "lost")}))
    environ = {"HOUSESTYLE_REDIS_URL": redis_url, "HOUSESTYLE_ENCRYPTION_KEYS": text(NEW_KEY, OLD_KEY)}
    done = await asyncio.to_thread(housestyle, ["rotate-keys"], environ)
    assert done.returncode == 1
    assert "acme: providers/lost/api_key cannot be opened" in done.stdout
    assert "may be removed" not in done.stdout
    row = await tenants_of(store, "acme")
    assert open_api_key("acme", "lost", row.providers["lost"], LOST)


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"HOUSESTYLE_REDIS_URL": "redis://127.0.0.1:1"}, "HOUSESTYLE_ENCRYPTION_KEYS must be set"),
        (
            {"HOUSESTYLE_REDIS_URL": "redis://127.0.0.1:1", "HOUSESTYLE_ENCRYPTION_KEYS": text(NEW_KEY)},
            "Redis is away",
        ),
        ({}, "holds no encryption key"),
    ],
)
def test_what_a_person_can_mend_is_said_in_a_line(environ: dict[str, str], said: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    done = housestyle(["rotate-keys"], {"HOUSESTYLE_DATA_DIR": str(data), **environ})
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not data.exists(), "nothing is made by looking"


# what the command finds in a data directory


@pytest.mark.parametrize("written", ["{0}\n{1}\n", "{0},{1}", " {0} , {1} ", "{0}\r\n{1}"])
def test_the_file_may_hold_several_keys(written: str, tmp_path: Path) -> None:
    assert kept_encryption_keys(tmp_path) == ()
    (tmp_path / "encryption-key").write_text(written.format(text(NEW_KEY), text(OLD_KEY)))
    found = kept_encryption_keys(tmp_path)
    assert found == (NEW_KEY, OLD_KEY)
    assert complete(read({"HOUSESTYLE_DATA_DIR": str(tmp_path)})).settings.encryption_keys == found
    assert base64.b64encode(NEW_KEY).decode() not in repr(found)


@pytest.mark.parametrize("written", ["", ",", f"{text(NEW_KEY)}\nshort"])
def test_a_damaged_file_is_told(written: str, tmp_path: Path) -> None:
    (tmp_path / "encryption-key").write_text(written)
    with pytest.raises(SettingsError, match="encryption-key"):
        kept_encryption_keys(tmp_path)


@pytest.mark.parametrize("depth", [1, 120], ids=["a short path", "one too long for a socket"])
def test_the_server_of_a_running_gateway_is_found(depth: int, tmp_path: Path) -> None:
    data = tmp_path / ("d" * depth)
    assert running_url(data) is None
    with EmbeddedRedis(data, os.environ) as embedded:
        assert running_url(data) == embedded.url
        with redis_py.Redis.from_url(embedded.url, protocol=2) as client:
            assert client.ping()
    assert running_url(data) is None


# while it serves


class Callers:
    """Callers who call without a pause. `failed` holds what went wrong."""

    def __init__(self, firm: Firm) -> None:
        self._firm = firm
        self.answered = 0
        self.failed: list[str] = []

    async def call(self) -> None:
        """Calls until it is cancelled."""
        body = {"model": STOCK, "messages": []}
        url = f"{self._firm.admin.url}/v1/chat/completions"
        async with httpx2.AsyncClient(verify=NO_TLS, timeout=30, headers=self._firm.auth) as http:
            while True:
                answer = await http.post(url, json=body)
                if answer.status_code == 200:
                    self.answered += 1
                else:
                    self.failed.append(answer.text)


@contextlib.asynccontextmanager
async def calling(firm: Firm) -> AsyncIterator[Callers]:
    """Two of them, at it until the block ends."""
    callers = Callers(firm)
    tasks = [asyncio.create_task(callers.call()) for _ in range(2)]
    try:
        yield callers
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def judge(request: Received, peer: Peer) -> None:
    """A provider that answers none but its own firms, by whichever of their keys."""
    known = any(shown.startswith("Bearer sk-firm-") for shown in request.header("authorization"))
    await (peer.answer(completion(STOCK)) if known else peer.answer(b"{}", "401 Unauthorized"))


async def test_the_whole_procedure_with_nobody_noticing(
    provider: Upstream, store: Store, redis_url: str, tmp_path: Path
) -> None:
    """Two gateways in the middle of a roll-out, then one with the new key alone."""
    provider.script = judge
    steps = [text(OLD_KEY, NEW_KEY), text(NEW_KEY, OLD_KEY)]

    def environ(encryption_keys: str) -> dict[str, str]:
        return gateway_environ(
            tmp_path / "data",
            HOUSESTYLE_REDIS_URL=redis_url,
            HOUSESTYLE_ARTIFACTS_URL=(tmp_path / "artifacts").as_uri(),
            HOUSESTYLE_ENCRYPTION_KEYS=encryption_keys,
        )

    serve = ["serve", "--port", "0"]
    with contextlib.ExitStack() as stack:
        urls = [stack.enter_context(running(serve, environ(step), tmp_path / "log")).url for step in steps]
        behind, ahead = (stack.enter_context(Admin(url)) for url in urls)
        # The one that is behind in the roll-out still seals with the old key, while the keys are rotated.
        firms = [Firm(behind, provider.url) for _ in range(20)]
        for firm in firms:
            firm.move_to(ahead)
        async with calling(firms[0]) as callers, calling(firms[1]) as others:
            changing = asyncio.create_task(asyncio.to_thread(change, firms[1], behind, 30))
            await asyncio.to_thread(housestyle, ["rotate-keys"], environ(steps[1]))
            await changing
            done = await asyncio.to_thread(housestyle, ["rotate-keys"], environ(steps[1]))
            await asyncio.to_thread(answers, callers, others)
        assert done.returncode == 0, done.stdout + done.stderr
        assert callers.failed == others.failed == []
    with running(serve, environ(text(NEW_KEY)), tmp_path / "log") as last, Admin(last.url) as admin:
        for firm in firms:
            firm.move_to(admin)
            answer = await asyncio.to_thread(firm.say)
            assert answer.status_code == 200, answer.text


def answers(*callers: Callers) -> None:
    """Returns when each has had some more."""
    before = [each.answered for each in callers]
    wait_until(
        lambda: all(each.answered > had + 20 for each, had in zip(callers, before, strict=True)),
        what="calls that are answered",
    )


def change(firm: Firm, admin: Admin, times: int) -> None:
    """Changes the firm's provider key at a replica of the admin's."""
    for number in range(times):
        admin.put(f"{firm.path}/providers/main", {**firm.provider, "api_key": f"sk-{firm.name}-{number}"})


async def test_an_embedded_gateway(provider: Upstream, tmp_path: Path) -> None:
    """The keys are in a file: it is edited while the gateway is down; what sealed nothing any more is taken out."""
    provider.script = judge
    data = tmp_path / "data"
    environ = gateway_environ(data)
    file = data / "encryption-key"
    serve = ["serve", "--port", "0"]

    with running(serve, environ, tmp_path / "log") as gateway, Admin(gateway.url) as admin:
        firm = Firm(admin, provider.url)
        old = file.read_text()
        file.write_text(f"{text(NEW_KEY)}\n{old}\n")
        refused = housestyle(["rotate-keys"], environ)
        assert refused.returncode == 2
        assert "Start the gateway again first" in refused.stderr

    with running(serve, environ, tmp_path / "log") as gateway, Admin(gateway.url) as admin:
        firm.move_to(admin)
        async with calling(firm) as callers:
            done = await asyncio.to_thread(housestyle, ["rotate-keys"], environ)
            await asyncio.to_thread(answers, callers)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "1 secrets of 1 tenants" in done.stdout
        assert callers.failed == []

    file.write_text(text(NEW_KEY))
    alone = housestyle(["rotate-keys"], environ)  # with no gateway, it runs the server itself
    assert alone.returncode == 0, alone.stdout + alone.stderr
    assert "No row needs any other key." in alone.stdout
    with running(serve, environ, tmp_path / "log") as gateway, Admin(gateway.url) as admin:
        firm.move_to(admin)
        answer = await asyncio.to_thread(firm.say)
        assert answer.status_code == 200, answer.text


def test_the_rows_really_needed_the_old_key() -> None:
    """Else the tests above prove nothing."""
    with pytest.raises(CannotOpen):
        opened(tenant(OLD), NEW)
