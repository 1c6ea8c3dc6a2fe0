"""Roles, actions and tenants: the whole table. What it does not give is refused."""

import pytest

from policies.access import MAY, PLATFORM_ROLES, TENANT_ROLES, Action, refuse, tenant_of
from policies.values import Caller, Refusal, Role

OWN, OTHER = "smith", "jones"
CALLERS = {
    Role.CALLER: Caller("key_c", Role.CALLER, OWN),
    Role.SERVICE: Caller("key_s", Role.SERVICE, None),
    Role.TENANT_ADMIN: Caller("key_t", Role.TENANT_ADMIN, OWN),
    Role.PLATFORM_ADMIN: Caller("key_p", Role.PLATFORM_ADMIN, None),
}

# Which roles may, on their own tenant (the roles without one: on any).
TABLE: dict[Action, set[Role]] = {
    Action.CALL_MODELS: {Role.CALLER, Role.SERVICE},
    Action.LIST_TENANTS: {Role.PLATFORM_ADMIN},
    Action.READ_TENANT: {Role.TENANT_ADMIN, Role.PLATFORM_ADMIN},
    Action.CHANGE_TENANT: {Role.TENANT_ADMIN, Role.PLATFORM_ADMIN},
    Action.GOVERN_TENANT: {Role.PLATFORM_ADMIN},
    Action.MANAGE_PROVIDERS: {Role.TENANT_ADMIN, Role.PLATFORM_ADMIN},
    Action.MANAGE_KEYS: {Role.TENANT_ADMIN, Role.PLATFORM_ADMIN},
    Action.MANAGE_VAULT: {Role.TENANT_ADMIN, Role.PLATFORM_ADMIN},
    Action.RUN_JOBS: {Role.TENANT_ADMIN, Role.PLATFORM_ADMIN},
    Action.ACTIVATE: {Role.TENANT_ADMIN, Role.PLATFORM_ADMIN},
    Action.READ_WHY: {Role.TENANT_ADMIN, Role.PLATFORM_ADMIN},
    Action.READ_AUDIT: {Role.TENANT_ADMIN, Role.PLATFORM_ADMIN},
    Action.MANAGE_PLATFORM: {Role.PLATFORM_ADMIN},
}


def test_the_table_names_every_action_and_every_role() -> None:
    assert set(TABLE) == set(Action)
    assert set(MAY) == set(Role) == set(CALLERS)


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("role", Role)
def test_on_its_own_tenant(role: Role, action: Action) -> None:
    expected = None if role in TABLE[action] else Refusal("forbidden_role")
    assert refuse(CALLERS[role], action, OWN) == expected


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("role", Role)
def test_on_another_tenant(role: Role, action: Action) -> None:
    if role not in TABLE[action]:
        expected: Refusal | None = Refusal("forbidden_role")
    else:
        expected = Refusal("tenant_mismatch") if CALLERS[role].tenant else None
    assert refuse(CALLERS[role], action, OTHER) == expected


@pytest.mark.parametrize("action", [Action.LIST_TENANTS, Action.MANAGE_PLATFORM, Action.GOVERN_TENANT])
@pytest.mark.parametrize("role", Role)
def test_the_platform_is_the_platform_admins(role: Role, action: Action) -> None:
    expected = None if role is Role.PLATFORM_ADMIN else Refusal("forbidden_role")
    assert refuse(CALLERS[role], action, None) == expected


@pytest.mark.parametrize(
    ("role", "named", "expected"),
    [
        (Role.CALLER, None, OWN),
        (Role.CALLER, OWN, OWN),
        (Role.CALLER, OTHER, Refusal("tenant_mismatch")),
        (Role.SERVICE, None, Refusal("tenant_required")),
        (Role.SERVICE, "", Refusal("tenant_required")),
        (Role.SERVICE, OWN, OWN),
        (Role.SERVICE, OTHER, OTHER),
        (Role.TENANT_ADMIN, None, Refusal("forbidden_role")),
        (Role.TENANT_ADMIN, OWN, Refusal("forbidden_role")),
        (Role.TENANT_ADMIN, OTHER, Refusal("forbidden_role")),
        (Role.PLATFORM_ADMIN, None, Refusal("forbidden_role")),
        (Role.PLATFORM_ADMIN, OWN, Refusal("forbidden_role")),
    ],
)
def test_whose_call_it_is(role: Role, named: str | None, expected: str | Refusal) -> None:
    assert tenant_of(CALLERS[role], named) == expected


def test_every_role_is_given_by_one_kind_of_admin() -> None:
    assert {Role.CALLER, Role.TENANT_ADMIN} == TENANT_ROLES
    assert {Role.SERVICE, Role.PLATFORM_ADMIN} == PLATFORM_ROLES
    assert not MAY[Role.TENANT_ADMIN] & {Action.GOVERN_TENANT, Action.LIST_TENANTS, Action.MANAGE_PLATFORM}
