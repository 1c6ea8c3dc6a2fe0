"""Which role may do what, for which tenant. Deny by default: what the table does not give is refused."""

from enum import StrEnum

from policies.values import Caller, Refusal, Role


class Action(StrEnum):
    """What a key may be used for. An admin action on a tenant is named after what it touches."""

    CALL_MODELS = "call_models"
    LIST_TENANTS = "list_tenants"
    READ_TENANT = "read_tenant"
    CHANGE_TENANT = "change_tenant"
    GOVERN_TENANT = "govern_tenant"  # create, delete, suspend, switch the rule off, open paths
    MANAGE_PROVIDERS = "manage_providers"
    MANAGE_KEYS = "manage_keys"
    MANAGE_VAULT = "manage_vault"
    RUN_JOBS = "run_jobs"
    ACTIVATE = "activate"
    READ_WHY = "read_why"
    READ_AUDIT = "read_audit"
    MANAGE_PLATFORM = "manage_platform"


_TENANT_ADMIN = frozenset(
    {
        Action.READ_TENANT,
        Action.CHANGE_TENANT,
        Action.MANAGE_PROVIDERS,
        Action.MANAGE_KEYS,
        Action.MANAGE_VAULT,
        Action.RUN_JOBS,
        Action.ACTIVATE,
        Action.READ_WHY,
        Action.READ_AUDIT,
    },
)

MAY: dict[Role, frozenset[Action]] = {
    Role.CALLER: frozenset({Action.CALL_MODELS}),
    Role.SERVICE: frozenset({Action.CALL_MODELS}),
    Role.TENANT_ADMIN: _TENANT_ADMIN,
    Role.PLATFORM_ADMIN: frozenset(Action) - {Action.CALL_MODELS},
}

# The roles that a tenant's own admin may give to a key of that tenant.
TENANT_ROLES = frozenset({Role.CALLER, Role.TENANT_ADMIN})
PLATFORM_ROLES = frozenset({Role.SERVICE, Role.PLATFORM_ADMIN})


def refuse(caller: Caller, action: Action, tenant: str | None) -> Refusal | None:
    """None where `caller` may do `action` to `tenant` (None: to the platform), else the refusal."""
    if action not in MAY[caller.role]:
        return Refusal("forbidden_role")
    if caller.tenant is not None and tenant is not None and caller.tenant != tenant:
        return Refusal("tenant_mismatch")
    return None


def tenant_of(caller: Caller, named: str | None) -> str | Refusal:
    """The tenant that a model call is for. `named` is the header `X-Tenant-Id`."""
    refusal = refuse(caller, Action.CALL_MODELS, named)
    if refusal:
        return refusal
    return caller.tenant or named or Refusal("tenant_required")
