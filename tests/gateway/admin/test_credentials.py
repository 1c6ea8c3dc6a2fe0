"""Keys: shown once, good for their role, and refused from the moment that their revocation is answered."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.admin import Admin
from tests.support.firms import Firm
from tests.support.processes import Program, wait_until


@pytest.fixture(scope="module")
def firm(admin: Admin, sandbox: Program) -> Firm:
    """A tenant."""
    return Firm(admin, sandbox.url)


def soon(seconds: float) -> str:
    """A time from now, as a body writes it."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def test_a_key_is_shown_once_and_stored_as_a_hash(admin: Admin, firm: Firm, data_dir: Path, gateway: Program) -> None:
    made = admin.post(f"{firm.path}/keys", {"role": "caller", "label": "assistant"})
    assert made["key"].startswith("hs_")
    assert (made["role"], made["label"], made["tenant"], made["expires_at"]) == ("caller", "assistant", firm.name, None)
    listing = admin.ask("GET", f"{firm.path}/keys")
    [shown] = [one for one in listing.json()["items"] if one["id"] == made["id"]]
    assert shown == {name: value for name, value in made.items() if name != "key"}
    assert made["key"] not in listing.text
    for file in [*data_dir.rglob("*"), gateway.log]:
        if file.is_file() and not file.is_symlink():
            assert made["key"].encode() not in file.read_bytes(), file


def test_a_revocation_is_in_force_when_it_is_answered(admin: Admin, firm: Firm) -> None:
    for _ in range(20):
        made = admin.post(f"{firm.path}/keys", {"role": "caller"})
        auth = {"authorization": f"Bearer {made['key']}"}
        assert firm.say(headers=auth).status_code == 200
        assert admin.ask("DELETE", f"{firm.path}/keys/{made['id']}").status_code == 204
        assert firm.say(headers=auth).status_code == 401
    assert admin.refused("DELETE", f"{firm.path}/keys/{made['id']}")[:2] == (404, "key_not_found")


def test_an_admin_key_can_be_revoked_too(admin: Admin, gateway: Program) -> None:
    made = admin.post("/keys", {"role": "platform_admin"})
    with Admin(gateway.url, made["key"]) as other:
        assert other.ask("GET", "/replicas").status_code == 200
        other.delete(f"/keys/{made['id']}")
        assert other.refused("GET", "/replicas")[:2] == (401, "invalid_api_key")


def test_a_key_expires(admin: Admin, firm: Firm) -> None:
    expires = time.time() + 1.0
    made = admin.post(f"{firm.path}/keys", {"role": "caller", "expires_at": soon(1.0)})
    auth = {"authorization": f"Bearer {made['key']}"}
    assert made["expires_at"].endswith("Z")
    assert firm.say(headers=auth).status_code == 200
    wait_until(lambda: firm.say(headers=auth).status_code == 401, 10, "the key's end")
    assert time.time() >= expires - 0.01


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({}, "invalid_field", "role"),
        ({"role": "owner"}, "invalid_field", "role"),
        ({"role": "service"}, "invalid_field", "role"),
        ({"role": "platform_admin"}, "invalid_field", "role"),
        ({"role": "caller", "tenant": "x"}, "unknown_field", "tenant"),
        ({"role": "caller", "label": "x" * 201}, "invalid_field", "label"),
        ({"role": "caller", "expires_at": "tomorrow"}, "invalid_field", "expires_at"),
        ({"role": "caller", "expires_at": "2030-01-01T00:00:00"}, "invalid_field", "expires_at"),
        ({"role": "caller", "expires_at": "2020-01-01T00:00:00Z"}, "invalid_field", "expires_at"),
        ({"role": "caller", "expires_at": "9999-12-31T23:59:59-10:00"}, "invalid_field", "expires_at"),
        ({"role": "caller", "expires_at": 1893456000}, "invalid_field", "expires_at"),
    ],
)
def test_a_body_that_cannot_be_used(admin: Admin, firm: Firm, body: Any, code: str, param: str) -> None:
    assert admin.refused("POST", f"{firm.path}/keys", body) == (422, code, param)


@pytest.mark.parametrize("role", ["caller", "tenant_admin"])
def test_a_tenants_roles_are_not_made_for_the_platform(admin: Admin, role: str) -> None:
    assert admin.refused("POST", "/keys", {"role": role}) == (422, "invalid_field", "role")


def test_a_tenants_admin_gives_its_own_roles_only(admin: Admin, firm: Firm, gateway: Program) -> None:
    key = admin.post(f"{firm.path}/keys", {"role": "tenant_admin"})["key"]
    with Admin(gateway.url, key) as own:
        for role in ("caller", "tenant_admin"):
            made = own.post(f"{firm.path}/keys", {"role": role})
            own.delete(f"{firm.path}/keys/{made['id']}")
        for role in ("service", "platform_admin"):
            assert own.refused("POST", f"{firm.path}/keys", {"role": role})[:2] == (422, "invalid_field")


def test_a_key_is_found_under_its_own_tenant_only(admin: Admin, firm: Firm, sandbox: Program) -> None:
    other = Firm(admin, sandbox.url)
    [theirs] = admin.get(f"{other.path}/keys")["items"]
    platform = admin.post("/keys", {"role": "service"})["id"]
    for key_id in (theirs["id"], platform):
        assert admin.refused("DELETE", f"{firm.path}/keys/{key_id}")[:2] == (404, "key_not_found")
    assert admin.refused("DELETE", f"/keys/{theirs['id']}")[:2] == (404, "key_not_found")
    assert other.say().status_code == 200


def test_keys_are_listed_newest_first_in_pages(admin: Admin, sandbox: Program) -> None:
    firm = Firm(admin, sandbox.url)
    made = [admin.post(f"{firm.path}/keys", {"role": "caller"})["id"] for _ in range(4)]
    first = admin.get(f"{firm.path}/keys?limit=3")
    rest = admin.get(f"{firm.path}/keys?limit=3&cursor={first['next_cursor']}")
    assert [one["id"] for one in first["items"] + rest["items"]][:4] == made[::-1]
    assert len(rest["items"]) == 2
    assert rest["next_cursor"] is None
