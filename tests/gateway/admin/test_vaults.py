"""Vaults: read and counted before they are accepted, and nowhere but where they may lie."""

from pathlib import Path

import pytest

from tests.support.admin import Admin, unique
from tests.support.vaults import write_vault


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
