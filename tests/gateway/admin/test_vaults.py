"""Vaults: read and counted before they are accepted, and nowhere but where they may lie."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from msgspec import Struct

from gateway.store.rows import VaultRow
from tests.support import postgres
from tests.support.admin import Admin, unique
from tests.support.postgres import PASSWORD, Postgres
from tests.support.processes import gateway_environ, running, wait_until
from tests.support.servers import Signal, in_thread
from tests.support.upstream import Peer, Received, Upstream, upstream
from tests.support.vaults import jsonl, record, write_vault


@pytest.fixture
def path(admin: Admin) -> str:
    """A new tenant's Vault."""
    tenant = f"/tenants/{unique('t')}"
    admin.put(tenant, {})
    return f"{tenant}/vault"


def test_it_is_counted(admin: Admin, path: str, vault: Path) -> None:
    assert admin.refused("GET", path)[:2] == (404, "vault_not_configured")
    answer = admin.ask("PUT", path, {"url": vault.as_uri()})
    assert answer.status_code == 200
    assert answer.headers["x-acknowledged"] == "1"
    assert answer.json() == {"url": vault.as_uri(), "ready_chunks": 20, "other_chunks": 3}
    assert admin.get(path) == answer.json()


def test_one_that_lies_elsewhere_is_not_read(admin: Admin, path: str, vault: Path, tmp_path: Path) -> None:
    outside = write_vault(tmp_path / "outside.jsonl", 20)
    (vault.parent / "link.jsonl").unlink(missing_ok=True)
    (vault.parent / "link.jsonl").symlink_to(outside)
    for url in (
        outside.as_uri(),
        f"{vault.parent.as_uri()}/../../secrets.jsonl",
        f"{vault.parent.as_uri()}/link.jsonl",
        "s3://somewhere/else.jsonl",
        "/etc/passwd",
    ):
        assert admin.refused("PUT", path, {"url": url}) == (422, "vault_not_allowed", "url")
    assert admin.refused("GET", path)[1] == "vault_not_configured"


def test_one_that_cannot_be_read_is_not_accepted(admin: Admin, path: str, vault: Path) -> None:
    broken = vault.parent / "broken.jsonl.gz"
    broken.write_bytes(b"this is no gzip")
    for url in (f"{vault.parent.as_uri()}/nothing.jsonl", broken.as_uri()):
        assert admin.refused("PUT", path, {"url": url}) == (422, "vault_unreadable", "url")


def test_a_refused_one_leaves_the_last_in_place(admin: Admin, path: str, vault: Path) -> None:
    admin.put(path, {"url": vault.as_uri()})
    assert admin.ask("PUT", path, {"url": f"{vault.parent.as_uri()}/nothing.jsonl"}).status_code == 422
    assert admin.get(path)["url"] == vault.as_uri()


@pytest.mark.parametrize("body", [{}, {"url": ""}, {"url": 1}])
def test_a_body_that_cannot_be_used(admin: Admin, path: str, body: dict[str, object]) -> None:
    assert admin.refused("PUT", path, body) == (422, "invalid_field", "url")


def test_a_row_of_before_is_still_a_row() -> None:
    row = msgspec.json.decode(b'{"url":"file:///v/a.jsonl","ready_chunks":2,"other_chunks":1}', type=VaultRow)
    assert row == VaultRow("file:///v/a.jsonl", 2, 1)
    assert msgspec.json.encode(row) == b'{"url":"file:///v/a.jsonl","ready_chunks":2,"other_chunks":1}'


# a test of one, which saves nothing


def test_a_test_counts_and_changes_nothing(admin: Admin, path: str, vault: Path) -> None:
    before = admin.get(path.removesuffix("/vault"))
    found = admin.post(f"{path}/test", {"url": vault.as_uri()})
    assert found == {
        "url": vault.as_uri(),
        "ready_chunks": 20,
        "other_chunks": 3,
        "complete": True,
        "other_statuses": {"pending": 3},
        "bad_records": 0,
        "first_bad_record": None,
    }
    assert admin.refused("GET", path)[1] == "vault_not_configured"
    assert admin.get(path.removesuffix("/vault")) == before
    audit = admin.get(f"{path.removesuffix('/vault')}/audit")["items"]
    assert [one["action"] for one in audit] == ["tenant.put"]


def test_a_test_says_what_is_wrong_and_where(admin: Admin, path: str, vault: Path) -> None:
    odd = vault.parent / "odd.jsonl"
    odd.write_bytes(jsonl(record(1, status="final"), record(2, text=...)) + b"{\n" + jsonl(record(3)))
    found = admin.post(f"{path}/test", {"url": odd.as_uri()})
    assert (found["ready_chunks"], found["other_statuses"], found["bad_records"]) == (1, {"final": 1}, 2)
    assert found["first_bad_record"] == {"place": "odd.jsonl:2", "reason": "missing_field"}
    gone = f"{vault.parent.as_uri()}/nothing.jsonl"
    answer = admin.ask("POST", f"{path}/test", {"url": gone})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "vault_unreadable")
    assert "nothing.jsonl" in answer.json()["error"]["message"]
    assert admin.refused("POST", f"{path}/test", {"url": "/etc/passwd"}) == (422, "vault_not_allowed", "url")


# Vaults elsewhere, with secrets

TOKEN, OTHER_TOKEN = "token-of-the-vault-1", "token-of-the-vault-2"
QUERY = "SELECT n AS chunk_id, 'd' AS document_id, 'Whereas ' || n AS text FROM generate_series(1, 12) n"
BARE = {"fields": {"title": None, "position": None, "status": None}}


class Wide(Struct):
    """A gateway whose roots reach beyond its own files, and what lies there. `folder` has all that it writes."""

    admin: Admin
    server: Upstream
    database: Postgres
    folder: Path


async def with_token(request: Received, peer: Peer) -> None:
    """Chunks for who has a token."""
    known = request.header("authorization") in ([f"Bearer {TOKEN}"], [f"Bearer {OTHER_TOKEN}"])
    await peer.answer(jsonl(record(1), record(2)) if known else b"", "200 OK" if known else "403 No")


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wide]:
    """One for all tests below."""
    folder = tmp_path_factory.mktemp("wide")
    with contextlib.ExitStack() as closing:
        server = closing.enter_context(in_thread(upstream(with_token)))
        database = closing.enter_context(postgres.serving())
        roots = [
            f"{server.url}/{{tenant}}/",
            "http://localhost:1/",
            f"postgresql://127.0.0.1:{database.port}/",
            "s3://firm/",
        ]
        environ = gateway_environ(folder / "data", HOUSESTYLE_VAULT_ROOTS=",".join(roots))
        gateway = closing.enter_context(running(["serve", "--port", "0"], environ, folder / "log"))
        yield Wide(closing.enter_context(Admin(gateway.url)), server, database, folder)


@pytest.fixture
def tenant(wide: Wide) -> str:
    """A new tenant's name."""
    name = unique("t")
    wide.admin.put(f"/tenants/{name}", {})
    return name


def last_audit(wide: Wide, tenant: str) -> Any:
    return wide.admin.get(f"/tenants/{tenant}/audit")["items"][0]


def test_a_token_is_kept_and_shown_nowhere(wide: Wide, tenant: str) -> None:
    path, url = f"/tenants/{tenant}/vault", f"{wide.server.url}/{tenant}/a.jsonl"
    assert wide.admin.refused("PUT", path, {"url": url}) == (422, "vault_unreadable", "url")
    shown = {"url": url, "ready_chunks": 2, "other_chunks": 0, "options": {"token": "***"}}
    assert wide.admin.put(path, {"url": url, "options": {"token": TOKEN}}) == shown
    assert wide.admin.put(path, {"url": url}) == shown, "left out, it stays"
    assert wide.admin.get(path) == shown
    assert last_audit(wide, tenant)["after"] == shown
    revision = wide.admin.get(f"/tenants/{tenant}")["revision"]
    wide.admin.put(path, {"url": url, "options": {"token": TOKEN}})
    assert wide.admin.get(f"/tenants/{tenant}")["revision"] == revision, "the same again changes nothing"
    wide.admin.put(path, {"url": url, "options": {"token": OTHER_TOKEN}})
    assert last_audit(wide, tenant)["after"] == {**shown, "secrets_changed": ["token"]}
    assert wide.admin.refused("PUT", path, {"url": url, "options": {"token": None}})[1] == "vault_unreadable"


def test_a_token_goes_nowhere_else_without_being_sent_again(wide: Wide, tenant: str) -> None:
    path, url = f"/tenants/{tenant}/vault", f"{wide.server.url}/{tenant}/a.jsonl"
    wide.admin.put(path, {"url": url, "options": {"token": TOKEN}})
    asked = len(wide.server.requests)
    elsewhere = {"url": "http://localhost:1/a.jsonl"}
    assert wide.admin.refused("PUT", path, elsewhere) == (422, "api_key_required", "options.token")
    assert len(wide.server.requests) == asked
    wide.admin.put(path, {"url": f"{wide.server.url}/{tenant}/b.jsonl"})
    assert wide.server.last.target == f"/{tenant}/b.jsonl"


def test_a_test_uses_the_stored_token_at_its_place_alone_and_keeps_none(wide: Wide, tenant: str) -> None:
    path, url = f"/tenants/{tenant}/vault", f"{wide.server.url}/{tenant}/a.jsonl"
    assert wide.admin.post(f"{path}/test", {"url": url, "options": {"token": TOKEN}})["ready_chunks"] == 2
    assert wide.admin.refused("POST", f"{path}/test", {"url": url}) == (422, "vault_unreadable", "url")
    shown = wide.admin.put(path, {"url": url, "options": {"token": TOKEN}})
    there = {"url": f"{wide.server.url}/{tenant}/b.jsonl"}
    assert wide.admin.post(f"{path}/test", there)["ready_chunks"] == 2
    assert wide.server.last.header("authorization") == [f"Bearer {TOKEN}"]
    assert wide.admin.post(f"{path}/test", {**there, "options": {"token": OTHER_TOKEN}})["ready_chunks"] == 2
    assert wide.admin.get(path) == shown
    wide.admin.post(f"{path}/test", {"url": url})
    assert wide.server.last.header("authorization") == [f"Bearer {TOKEN}"], "the other one was forgotten"
    asked = len(wide.server.requests)
    elsewhere = {"url": "http://localhost:1/a.jsonl"}
    assert wide.admin.refused("POST", f"{path}/test", elsewhere) == (422, "api_key_required", "options.token")
    assert len(wide.server.requests) == asked


def test_few_vaults_are_tested_at_once(wide: Wide, tenant: str) -> None:
    go_on = Signal()

    async def held(request: Received, peer: Peer) -> None:
        if "/held" in request.target:
            await go_on.reached()
        await with_token(request, peer)

    path, options = f"/tenants/{tenant}/vault/test", {"token": TOKEN}
    body = {"url": f"{wide.server.url}/{tenant}/held.jsonl", "options": options}
    wide.server.script = held
    asked = len(wide.server.requests)
    try:
        with ThreadPoolExecutor(4) as pool:
            try:
                tests = [pool.submit(counted_by_another, wide, path, body) for _ in range(4)]
                wait_until(lambda: len(wide.server.requests) == asked + 4, what="four tests")
                assert wide.admin.refused("POST", path, body) == (429, "vault_test_busy", None)
            finally:
                go_on.set()
        assert [one.result() for one in tests] == [2] * 4
        assert counted_by_another(wide, path, {**body, "url": f"{wide.server.url}/{tenant}/a.jsonl"}) == 2
    finally:
        wide.server.script = with_token


def counted_by_another(wide: Wide, path: str, body: Any) -> int:
    """How many ready chunks another admin is told of."""
    with Admin(wide.admin.url) as other:
        found: int = other.post(path, body)["ready_chunks"]
    return found


def test_another_tenants_folder_lies_outside(wide: Wide, tenant: str) -> None:
    for url in (
        f"{wide.server.url}/other/a.jsonl",
        f"{wide.server.url}/{tenant}/../other/a.jsonl",
        f"{wide.server.url}x/",
    ):
        refused = wide.admin.refused("PUT", f"/tenants/{tenant}/vault", {"url": url, "options": {"token": TOKEN}})
        assert refused == (422, "vault_not_allowed", "url")


def test_a_database(wide: Wide, tenant: str) -> None:
    path, where = f"/tenants/{tenant}/vault", f"127.0.0.1:{wide.database.port}/postgres"
    options = {"query": QUERY, **BARE}
    shown = {
        "url": f"postgresql://postgres@{where}",
        "ready_chunks": 12,
        "other_chunks": 0,
        "options": {**options, "password": "***"},
    }
    assert wide.admin.put(path, {"url": f"postgresql://postgres:{PASSWORD}@{where}", "options": options}) == shown
    assert wide.admin.put(path, {"url": shown["url"], "options": options}) == shown, "the password stays"
    for url in (f"postgresql://other@{where}", f"postgresql://postgres@{where}?sslmode=disable"):
        body = {"url": url, "options": options}
        assert wide.admin.refused("PUT", path, body) == (422, "api_key_required", "options.password")
    wrong = {"url": f"postgresql://postgres:no@{where}", "options": options}
    assert wide.admin.refused("PUT", path, wrong)[1] == "vault_unreadable"
    with psycopg.connect(wide.database.url()) as connection:
        (others,) = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'housestyle'")
    assert others == (0,), "connections are closed"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (
            {"url": "s3://firm/a", "options": {"endpoint_url": "https://m.example"}},
            ("invalid_field", "options.endpoint_url"),
        ),
        ({"url": "s3://firm/a", "options": {"query": "SELECT 1"}}, ("invalid_field", "options.query")),
        ({"url": "s3://firm/a", "options": {"colour": "red"}}, ("unknown_field", "options.colour")),
        ({"url": "s3://firm/a", "options": {"api": {"page_size": 0}}}, ("invalid_field", "options.api.page_size")),
        ({"url": "s3://firm/a", "options": {"fields": {"text": "a..b"}}}, ("invalid_field", "options.fields.text")),
        ({"url": "s3://other/a"}, ("vault_not_allowed", "url")),
        ({"url": "simplecache::s3://firm/a"}, ("vault_not_allowed", "url")),
    ],
)
def test_options_that_cannot_be_used(wide: Wide, tenant: str, body: Any, error: tuple[str, str]) -> None:
    assert wide.admin.refused("PUT", f"/tenants/{tenant}/vault", body) == (422, *error)


def test_no_secret_of_a_vault_was_written_anywhere(wide: Wide, tenant: str) -> None:
    """After all of the above; and what is refused is not written either."""
    url = f"{wide.server.url}/{tenant}/a.jsonl"
    wide.admin.put(f"/tenants/{tenant}/vault", {"url": url, "options": {"token": TOKEN}})
    bad = {"url": "postgresql://me:hunter2hunter2@nowhere/x", "options": {"token": ["hunter2hunter2"]}}
    assert wide.admin.ask("PUT", f"/tenants/{tenant}/vault", bad).status_code == 422
    assert wide.admin.ask("POST", f"/tenants/{tenant}/vault/test", bad).status_code == 422
    files = [path for path in wide.folder.rglob("*") if path.is_file()]
    assert any(path.name.endswith(".aof") for path in files)
    for secret in (TOKEN, OTHER_TOKEN, PASSWORD, "hunter2hunter2"):
        assert [path for path in files if secret.encode() in path.read_bytes()] == []
