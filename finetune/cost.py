"""What a job will cost before anything is spent, and whether that is allowed. All amounts are US dollars.

Plain functions over values. What training costs is data (prices.json); what a teacher's answers cost is handed in.
Tokens are not counted here: that is dataset/count.py's.
"""

from functools import cache
from importlib.resources import files
from math import ceil
from typing import Literal

import msgspec
from msgspec import Struct

TENANT_DAYS = 30
"""A tenant's limit is for the estimates of all its jobs that were started in so many days."""

# As the provider chooses where it is left to it: OpenAI's cookbook, "Data preparation and analysis for chat model
# fine-tuning", which calls it an estimate too.
_TARGET_EPOCHS = 3
_MIN_TARGET_EXAMPLES = 100
_MAX_TARGET_EXAMPLES = 25_000
_MAX_EPOCHS = 25

_NOTHING = 1e-6  # dollars: what adding up estimates may be wrong by


class Estimate(Struct, frozen=True):
    """`words` say what the amount is made of, and from when the price is."""

    usd: float
    words: str


class _Training(Struct, frozen=True):
    usd: float
    source: str
    as_of: str


class TeacherPrice(Struct, frozen=True):
    """Dollars for a million tokens to a teacher's model, and from it; `told` says whose prices those are."""

    input: float
    output: float
    told: str


class _Prices(Struct, frozen=True):
    """Dollars for a million tokens, by dated names; `undated`: a name without its date → the one with."""

    sources: dict[str, str]
    undated: dict[str, str]
    training: dict[str, _Training]


def epochs(n_epochs: int | Literal["auto"] | None, examples: int) -> int:
    """How often the training file is gone through: what was asked for, else about what the provider chooses."""
    if isinstance(n_epochs, int):
        return n_epochs
    if examples * _TARGET_EPOCHS < _MIN_TARGET_EXAMPLES:
        return min(_MAX_EPOCHS, _MIN_TARGET_EXAMPLES // max(1, examples))
    if examples * _TARGET_EPOCHS > _MAX_TARGET_EXAMPLES:
        return max(1, _MAX_TARGET_EXAMPLES // examples)
    return _TARGET_EPOCHS


def estimate(base_model: str, tokens: int, epochs: int, override: float | None) -> Estimate | None:
    """Of training on a file of `tokens`; None where the model's price is not known.

    `override` is the job's own price for a million tokens. OpenAI's formula has the training file's tokens alone, not
    those of the validation file.
    """
    times = f"{epochs} epoch" if epochs == 1 else f"{epochs} epochs"
    what = f"{tokens:,} tokens in {times}"
    if override is not None:
        return Estimate(
            _amount(tokens * epochs, override), f"{what} at ${override:,.2f} a million (the job's own price)"
        )
    price = _prices().training.get(_dated(base_model.removeprefix("ft:").partition(":")[0]))
    if price is None:
        return None
    words = f"{what} at ${price.usd:,.2f} a million (price as of {price.as_of})"
    return Estimate(_amount(tokens * epochs, price.usd), words)


def estimate_teacher(price: TeacherPrice | None, input_tokens: int, output_tokens: int) -> Estimate | None:
    """Of a teacher's answers; None where its model's price is not known."""
    if price is None:
        return None
    usd = _amount(input_tokens, price.input) + _amount(output_tokens, price.output)
    words = f"{input_tokens:,} tokens to the teacher and {output_tokens:,} from it ({price.told})"
    return Estimate(round(usd, 6), words)


def total(*parts: Estimate | None) -> Estimate | None:
    """All together; None where one of them is not known."""
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return Estimate(round(sum(part.usd for part in known), 6), "; ".join(part.words for part in known))


def check_limits(
    estimate: Estimate | None, job_limit: float | None, tenant_limit: float | None, tenant_spent: float
) -> str | None:
    """The words of `cost_limit_exceeded`; None where the job may go on. Exactly the limit is allowed.

    `tenant_spent`: the estimates of the tenant's other jobs that were started in the last TENANT_DAYS days.
    """
    if job_limit is None and tenant_limit is None:
        return None
    if estimate is None:
        return (
            "There is a limit to what this job may cost, and not every price is known here. Give the base model's as "
            "the job's option price_per_million_tokens (US dollars). For a teacher whose prices are not known, let the "
            "rules write (writer), or lift the limit."
        )
    if job_limit is not None and estimate.usd > job_limit + _NOTHING:
        return (
            f"The job would cost about {_rounded_up(estimate.usd)}, more than its limit of {_limit(job_limit)}: "
            f"{estimate.words}."
        )
    if tenant_limit is not None and estimate.usd + tenant_spent > tenant_limit + _NOTHING:
        return (
            f"The job would cost about {_rounded_up(estimate.usd)}: {estimate.words}. With the tenant's other jobs of "
            f"the last {TENANT_DAYS} days, about {_rounded_up(tenant_spent)}, that is more than the tenant's limit of "
            f"{_limit(tenant_limit)}."
        )
    return None


def _amount(tokens: int, usd_per_million: float) -> float:
    return round(tokens * usd_per_million / 1e6, 6)


def _rounded_up(usd: float) -> str:
    """To the cent, so that what is over a limit reads as over it."""
    return f"${ceil(round(usd * 100, 4)) / 100:,.2f}"


def _limit(usd: float) -> str:
    """As somebody gave it."""
    return f"${usd:,.2f}" if round(usd, 2) == usd else f"${usd:,}"


def _dated(model: str) -> str:
    return _prices().undated.get(model, model)


@cache
def _prices() -> _Prices:
    return msgspec.json.decode((files("finetune") / "prices.json").read_bytes(), type=_Prices)
