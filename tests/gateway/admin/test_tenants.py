"""Tenants: made, changed in part, deleted for good."""

from typing import Any

import pytest

from tests.support.admin import Admin, unique
from tests.support.firms import Firm
from tests.support.processes import Program


def test_a_put_makes_a_tenant_once(admin: Admin) -> None:
    path = f"/tenants/{unique('t')}"
    first = admin.ask("PUT", path, {})
    assert first.status_code == 201
    made = first.json()
    assert {
        name: made[name] for name in made if name not in ("id", "name", "created_at", "updated_at", "revision")
    } == {
        "rule": "default_only",
        "fallback": "stock",
        "suspended": False,
        "allowed_paths": [],
        "cost_limit_usd": None,
        "default_provider": None,
        "active_job": None,
        "share": 1.0,
        "model": None,
        "recent": {"calls": 0, "fine_tuned": 0},
    }
    assert (made["id"], made["name"]) == (path.removeprefix("/tenants/"),) * 2
    assert admin.get(path) == made
    second = admin.ask("PUT", path, {})
    assert second.status_code == 200
    assert second.json()["created_at"] == made["created_at"]


def test_a_put_changes_what_it_names_and_leaves_the_rest(admin: Admin) -> None:
    path = f"/tenants/{unique('t')}"
    admin.put(path, {"name": "Penhallow & Söhne", "rule": "all", "allowed_paths": []})
    changed = admin.put(path, {"fallback": "fail"})
    assert (changed["name"], changed["rule"], changed["fallback"]) == ("Penhallow & Söhne", "all", "fail")
    assert admin.put(path, {"suspended": True})["suspended"]
    assert admin.get(path)["fallback"] == "fail"


def test_a_change_says_its_revision_and_who_has_it(admin: Admin) -> None:
    path = f"/tenants/{unique('t')}"
    first, second = admin.ask("PUT", path, {}), admin.ask("PUT", path, {"rule": "all"})
    assert int(second.headers["x-revision"]) > int(first.headers["x-revision"])
    assert second.json()["revision"] == int(second.headers["x-revision"])
    for answer in (first, second):
        assert answer.headers["x-replicas"] == answer.headers["x-acknowledged"] == "1"
    assert "x-revision" not in admin.ask("GET", path).headers


@pytest.mark.parametrize("name", ["Acme", "-acme", "a_b", "a.b", "ä", "a" * 64, "a%20b", "acme%00"])
def test_a_name_is_lower_case_letters_digits_and_hyphens(admin: Admin, name: str) -> None:
    assert admin.refused("PUT", f"/tenants/{name}", {}) == (422, "invalid_tenant_name", "tenant")


@pytest.mark.parametrize("name", ["0", "a" * 63])
def test_names_at_the_limits(admin: Admin, name: str) -> None:
    assert admin.ask("PUT", f"/tenants/{name}", {}).status_code in (200, 201)


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"colour": "red"}, "unknown_field", "colour"),
        ({"id": "x"}, "unknown_field", "id"),
        ({"rule": "sometimes"}, "invalid_field", "rule"),
        ({"fallback": None}, "invalid_field", "fallback"),
        ({"suspended": "yes"}, "invalid_field", "suspended"),
        ({"suspended": 1}, "invalid_field", "suspended"),
        ({"name": "x" * 201}, "invalid_field", "name"),
        ({"allowed_paths": "batches"}, "invalid_field", "allowed_paths"),
        ({"allowed_paths": ["ok", 1]}, "invalid_field", "allowed_paths[...]"),
        ([], "invalid_field", None),
        (b"null", "invalid_field", None),
    ],
)
def test_a_body_that_cannot_be_used(admin: Admin, body: Any, code: str, param: str | None) -> None:
    path = f"/tenants/{unique('t')}"
    status, said, where = admin.refused("PUT", path, body)
    assert (status, said) == (422, code)
    assert (where or "").startswith((param or "").removesuffix("[...]"))
    assert admin.refused("GET", path)[1] == "tenant_not_found"  # nothing was made


@pytest.mark.parametrize("body", [b"{", b'{"name": "\xff"}'])
def test_a_body_that_is_not_json(admin: Admin, body: bytes) -> None:
    assert admin.refused("PUT", f"/tenants/{unique('t')}", body)[:2] == (400, "invalid_json")


def test_a_body_of_more_than_a_megabyte_is_refused(admin: Admin) -> None:
    body = b'{"name": "' + b"x" * (1 << 20) + b'"}'
    assert admin.refused("PUT", f"/tenants/{unique('t')}", body)[:2] == (413, "request_too_large")


def test_further_paths_are_a_platform_admins_to_open(admin: Admin, gateway: Program) -> None:
    tenant = f"/tenants/{unique('t')}"
    assert admin.put(tenant, {"allowed_paths": ["rerank", "batches/*"]})["allowed_paths"] == ["rerank", "batches/*"]
    key = admin.post(f"{tenant}/keys", {"role": "tenant_admin"})["key"]
    with Admin(gateway.url, key) as own:
        assert own.refused("PUT", tenant, {"allowed_paths": ["uploads"]})[:2] == (403, "forbidden_role")
    assert admin.get(tenant)["allowed_paths"] == ["rerank", "batches/*"]


@pytest.mark.parametrize(
    "path",
    [
        "fine_tuning/jobs",
        "fine_tuning/*",
        "v1/fine_tuning/jobs",
        "organization",
        "a/../files",
        "/rerank",
        "a%2fb",
        "a?b",
        "",
    ],
)
def test_what_spends_or_leads_elsewhere_is_never_opened(admin: Admin, path: str) -> None:
    answer = admin.refused("PUT", f"/tenants/{unique('t')}", {"allowed_paths": [path]})
    assert answer == (422, "invalid_field", "allowed_paths")


def test_what_a_tenants_own_admin_may_change(admin: Admin, sandbox: Program, gateway: Program) -> None:
    firm = Firm(admin, sandbox.url)
    key = admin.post(f"{firm.path}/keys", {"role": "tenant_admin"})["key"]
    with Admin(gateway.url, key) as own:
        assert own.put(firm.path, {"rule": "all", "fallback": "fail", "name": "Ours"})["rule"] == "all"
        for body in ({"suspended": True}, {"suspended": False}, {"rule": "off"}, {"allowed_paths": ["batches"]}):
            assert own.refused("PUT", firm.path, body)[:2] == (403, "forbidden_role")
        admin.put(firm.path, {"rule": "off"})
        assert own.refused("PUT", firm.path, {"rule": "all"})[:2] == (403, "forbidden_role")
        assert own.put(firm.path, {"fallback": "stock"})["rule"] == "off"
        assert own.refused("PUT", f"/tenants/{unique('t')}", {})[:2] == (403, "tenant_mismatch")


def test_a_deleted_tenants_keys_stop_and_its_name_is_never_given_out_again(
    admin: Admin, sandbox: Program, gateway: Program
) -> None:
    firm = Firm(admin, sandbox.url)
    own_key = admin.post(f"{firm.path}/keys", {"role": "tenant_admin"})["key"]
    service = admin.post("/keys", {"role": "service"})["key"]
    assert firm.say().status_code == 200

    answer = admin.ask("DELETE", firm.path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["x-acknowledged"] == "1"
    assert firm.say().status_code == 401
    with Admin(gateway.url, own_key) as own:
        assert own.refused("GET", firm.path)[:2] == (401, "invalid_api_key")
    as_service = firm.say(headers={"authorization": f"Bearer {service}", "x-tenant-id": firm.name})
    assert (as_service.status_code, as_service.json()["error"]["code"]) == (404, "tenant_not_found")
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/keys"), ("GET", "/jobs"), ("GET", "/why")):
        assert admin.refused(method, firm.path + path)[:2] == (404, "tenant_not_found")
    assert admin.refused("PUT", firm.path, {})[:2] == (409, "tenant_name_retired")
    assert firm.name not in {tenant["id"] for tenant in everybody(admin)}


def test_the_list_is_in_the_order_of_names_and_comes_in_pages(admin: Admin) -> None:
    prefix = unique("zz")
    names = [f"{prefix}-{number}" for number in range(5)]
    for name in names:
        admin.put(f"/tenants/{name}", {})
    admin.delete(f"/tenants/{names[2]}")
    listed = [tenant["id"] for tenant in everybody(admin)]
    assert [name for name in listed if name.startswith(prefix)] == [*names[:2], *names[3:]]
    assert listed == sorted(listed)


def test_the_list_is_filtered_by_a_part_of_id_or_name(admin: Admin) -> None:
    mark = unique("mark")
    for number, name in enumerate(("Harrow & Pell", f"The {mark.upper()} Chambers", "Quince")):
        admin.put(f"/tenants/zy-{number}-{mark if number == 2 else 'x'}", {"name": name})
    found = admin.get(f"/tenants?q={mark}")
    assert [tenant["id"] for tenant in found["items"]] == ["zy-1-x", f"zy-2-{mark}"]
    first = admin.get(f"/tenants?q=%20{mark}&limit=1")
    assert [tenant["id"] for tenant in first["items"]] == ["zy-1-x"]
    rest = admin.get(f"/tenants?q={mark}&limit=1&cursor={first['next_cursor']}")
    assert ([tenant["id"] for tenant in rest["items"]], rest["next_cursor"]) == ([f"zy-2-{mark}"], None)
    assert admin.get(f"/tenants?q=no-{mark}") == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("limit", ["0", "-1", "501", "many", "1.5", "%C2%B2", ""])
def test_a_limit_that_cannot_be_used(admin: Admin, limit: str) -> None:
    assert admin.refused("GET", f"/tenants?limit={limit}") == (422, "invalid_field", "limit")


def test_recent_counts_the_last_hours_calls(admin: Admin, sandbox: Program) -> None:
    firm = Firm(admin, sandbox.url)
    for _ in range(3):
        firm.say()
    admin.get(f"{firm.path}/why")  # what was called is written by then
    assert admin.get(firm.path)["recent"] == {"calls": 3, "fine_tuned": 0}


def everybody(admin: Admin) -> list[Any]:
    """Every tenant, in small pages."""
    found: list[Any] = []
    cursor = ""
    while True:
        page = admin.get(f"/tenants?limit=7{cursor}")
        assert len(page["items"]) <= 7
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"
