"""The values that decisions are made of. Frozen; no behaviour beyond what follows from their own fields.

Three models have three names and are never mixed: *requested* (by the caller), *routed* (sent upstream) and
*served* (named by the upstream in its answer).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from msgspec import Struct


class Role(StrEnum):
    """What a key may do: the first two call models, the last two administer."""

    CALLER = "caller"
    SERVICE = "service"
    TENANT_ADMIN = "tenant_admin"
    PLATFORM_ADMIN = "platform_admin"


class Reason(StrEnum):
    """Why this model answers, in the order in which the reasons are tried."""

    FOREIGN_FINE_TUNE = "foreign_fine_tune"
    ENDPOINT_NOT_TUNABLE = "endpoint_not_tunable"
    PINNED_FINE_TUNE = "pinned_fine_tune"
    OPTED_OUT = "opted_out"
    NO_ACTIVE_JOB = "no_active_job"
    MODEL_NOT_DEFAULT = "model_not_default"
    STOCK_ARM = "stock_arm"
    ACTIVE_JOB = "active_job"
    FALLBACK_STOCK = "fallback_stock"


Rule = Literal["default_only", "all", "off"]
Fallback = Literal["stock", "fail"]


class Caller(Struct, frozen=True, gc=False):
    """Who holds the key. `tenant` is None for the roles that are not bound to one."""

    key_id: str
    role: Role
    tenant: str | None
    label: str = ""


class Provider(Struct, frozen=True):
    """What a decision needs to know of a provider.

    `account` tells two accounts at one provider apart; it is opaque and compared for equality only.
    """

    name: str
    default_model: str
    account: str


class FineTune(Struct, frozen=True):
    """A fine-tuned model of a tenant: which job made it, where it lives, what it was made from. `is_checkpoint`: the
    provider kept it on the way to the job's last model."""

    job_id: str
    provider: str
    model: str
    base_model: str
    is_checkpoint: bool = False


class Route(Struct, frozen=True):
    """All that decides which model answers a tenant's calls. `revision` is that of its last change."""

    tenant: str
    revision: int
    rule: Rule
    fallback: Fallback
    providers: Mapping[str, Provider]
    default_provider: str | None
    fine_tunes: Mapping[str, FineTune]
    active: FineTune | None
    share: float


class Call(Struct, frozen=True):
    """What a decision needs to know of a call.

    `requested` is None where the body names no model; `arm_key` keeps one workflow run, conversation or user in
    one arm of a share.
    """

    rewritten: bool
    requested: str | None
    provider: str | None
    opted_out: bool
    arm_key: str


class Decision(Struct, frozen=True):
    """Where a call goes. `model` is None where the body is not touched (the model is as asked)."""

    reason: Reason
    fine_tuned: bool
    provider: str
    model: str | None
    job_id: str | None


class Refusal(Struct, frozen=True):
    """A call that goes nowhere: an error code of the contract, and the reason where the table gives one."""

    code: str
    reason: Reason | None = None
