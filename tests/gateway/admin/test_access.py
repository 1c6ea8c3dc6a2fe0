"""Every admin route for every role: who is let in, and what the others are told."""

import pytest

from tests.support.admin import Admin, unique
from tests.support.firms import Firm
from tests.support.processes import Program

PLATFORM = [
    ("GET", "/tenants"),
    ("POST", "/keys"),
    ("GET", "/keys"),
    ("DELETE", "/keys/key_0"),
    ("GET", "/replicas"),
    ("GET", "/audit"),
]
# What a tenant's own admin may do, with what is answered where the thing named is not there.
TENANT = [
    ("GET", "", 200),
    ("PUT", "", 200),
    ("GET", "/providers", 200),
    ("PUT", "/providers/other", 422),
    ("DELETE", "/providers/other", 404),
    ("POST", "/keys", 422),
    ("GET", "/keys", 200),
    ("DELETE", "/keys/key_0", 404),
    ("GET", "/vault", 404),
    ("PUT", "/vault", 422),
    ("POST", "/vault/test", 422),
    ("GET", "/jobs", 200),
    ("POST", "/jobs", 422),
    ("POST", "/jobs/preview", 422),
    ("GET", "/jobs/job_0", 404),
    ("GET", "/jobs/job_0/events", 404),
    ("GET", "/jobs/job_0/examples", 404),
    ("GET", "/jobs/job_0/manifest", 404),
    ("POST", "/jobs/job_0/refresh", 404),
    ("POST", "/jobs/job_0/cancel", 404),
    ("POST", "/jobs/job_0/activate", 404),
    ("POST", "/stock", 200),
    ("GET", "/why", 200),
    ("GET", "/why/call_0", 404),
    ("GET", "/why/summary", 200),
    ("GET", "/audit", 200),
]


@pytest.fixture(scope="module")
def firm(admin: Admin, sandbox: Program) -> Firm:
    """A tenant with keys of both of its roles."""
    return Firm(admin, sandbox.url)


@pytest.fixture(scope="module")
def keys(admin: Admin, firm: Firm) -> dict[str, str]:
    """A key of every role."""
    return {
        "caller": firm.key,
        "service": admin.post("/keys", {"role": "service"})["key"],
        "tenant_admin": admin.post(f"{firm.path}/keys", {"role": "tenant_admin"})["key"],
        "platform_admin": admin.post("/keys", {"role": "platform_admin"})["key"],
    }


@pytest.mark.parametrize(("method", "path"), PLATFORM)
@pytest.mark.parametrize("role", ["caller", "service", "tenant_admin"])
def test_the_platforms_routes_are_the_platform_admins_alone(
    gateway: Program, keys: dict[str, str], role: str, method: str, path: str
) -> None:
    with Admin(gateway.url, keys[role]) as asking:
        assert asking.refused(method, path) == (403, "forbidden_role", None)


@pytest.mark.parametrize(("method", "path"), PLATFORM)
def test_the_platform_admin_is_let_in(gateway: Program, keys: dict[str, str], method: str, path: str) -> None:
    with Admin(gateway.url, keys["platform_admin"]) as asking:
        answer = asking.ask(method, path)
        assert answer.status_code in (200, 404, 422), answer.text
        if answer.status_code != 200:
            assert answer.json()["error"]["code"] in ("invalid_field", "key_not_found")


@pytest.mark.parametrize(("method", "path", "status"), TENANT)
@pytest.mark.parametrize("role", ["tenant_admin", "platform_admin"])
def test_a_tenants_routes_for_its_admin_and_the_platforms(
    gateway: Program, keys: dict[str, str], firm: Firm, role: str, method: str, path: str, status: int
) -> None:
    with Admin(gateway.url, keys[role]) as asking:
        answer = asking.ask(method, firm.path + path)
        assert answer.status_code == status, answer.text


@pytest.mark.parametrize(("method", "path", "_"), TENANT)
def test_a_tenants_routes_for_everybody_else(
    gateway: Program, keys: dict[str, str], firm: Firm, method: str, path: str, _: int
) -> None:
    for role in ("caller", "service"):
        with Admin(gateway.url, keys[role]) as asking:
            assert asking.refused(method, firm.path + path) == (403, "forbidden_role", None)
    with Admin(gateway.url, keys["tenant_admin"]) as asking:
        assert asking.refused(method, "/tenants/somebody-else" + path) == (403, "tenant_mismatch", None)
    for key in (None, "hs_unknown", ""):
        with Admin(gateway.url, key) as asking:
            assert asking.refused(method, firm.path + path) == (401, "invalid_api_key", None)


@pytest.mark.parametrize(("method", "path", "_"), TENANT)
def test_a_tenant_that_is_not_there(admin: Admin, method: str, path: str, _: int) -> None:
    refused_first = (
        ("PUT", ""),
        ("PUT", "/vault"),
        ("POST", "/vault/test"),
        ("POST", "/keys"),
        ("POST", "/jobs"),
        ("POST", "/jobs/preview"),
    )
    if (method, path) in refused_first or "other" in path:
        return  # makes the tenant, or is refused for its body first
    assert admin.refused(method, f"/tenants/{unique('nobody')}{path}")[:2] == (404, "tenant_not_found")


def test_only_a_platform_admin_deletes_a_tenant(
    gateway: Program, keys: dict[str, str], firm: Firm, admin: Admin
) -> None:
    for role in ("caller", "service", "tenant_admin"):
        with Admin(gateway.url, keys[role]) as asking:
            assert asking.refused("DELETE", firm.path) == (403, "forbidden_role", None)
    assert admin.get(firm.path)["id"] == firm.name


def test_a_key_is_taken_from_each_of_the_three_headers(gateway: Program, keys: dict[str, str]) -> None:
    key = keys["platform_admin"]
    with Admin(gateway.url, None) as asking:
        for headers in ({"authorization": f"bearer {key}"}, {"x-api-key": key}, {"api-key": key}):
            assert asking.ask("GET", "/replicas", headers=headers).status_code == 200
        same = {"authorization": f"Bearer {key}", "x-api-key": key}
        assert asking.ask("GET", "/replicas", headers=same).status_code == 200
        two = {"authorization": f"Bearer {key}", "x-api-key": keys["caller"]}
        assert asking.ask("GET", "/replicas", headers=two).status_code == 401
        assert asking.ask("GET", "/replicas", headers={"authorization": f"Basic {key}"}).status_code == 401


def test_an_unknown_route_and_a_wrong_method_have_the_shape_too(admin: Admin) -> None:
    assert admin.refused("GET", "/nothing")[:2] == (404, "not_found")
    assert admin.refused("PATCH", "/tenants")[:2] == (405, "method_not_allowed")


def test_nothing_of_the_admin_api_may_be_kept_by_a_cache(admin: Admin) -> None:
    assert admin.ask("GET", "/tenants").headers["cache-control"] == "no-store"
