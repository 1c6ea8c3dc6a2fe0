"""A preview for somebody who is no engineer: what is made, what is replaced, what is left out. Pure."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec import Struct

from finetune.dataset.values import Example
from finetune.values import Preview
from gateway.admin.page import words
from gateway.admin.page.job_form import FIELDS
from gateway.admin.page.words import Told
from gateway.errors import GatewayError

BACKENDS: Mapping[str, str] = {
    "openai": "OpenAI, or a server that speaks its API",
    "azure_openai": "Azure OpenAI",
    "anthropic": "Anthropic",
    "bedrock": "Amazon Bedrock",
    "vertex": "Google Vertex AI",
    "together": "Together",
    "fireworks": "Fireworks",
}

_KINDS = {
    "rephrase-as": "putting plain text into the firm’s words",
    "extract-clauses": "taking a clause out of a document",
    "summarize-this": "summing up, or writing out an outline",
}
_REPLACED = {
    "PERSON": "names of people",
    "COMPANY": "names of companies",
    "EMAIL": "e-mail addresses",
    "PHONE": "telephone numbers",
    "ACCOUNT": "account numbers",
    "TAX_ID": "tax numbers",
    "AMOUNT": "amounts of money",
    "DATE": "dates",
    "ADDRESS": "addresses",
}
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_UNBROKEN = "\\1\N{NON-BREAKING HYPHEN}\\2\N{NON-BREAKING HYPHEN}\\3"


class Sample(Struct, frozen=True):
    """An example as it is shown."""

    kind: str
    asked: str
    answer: str


class Shown(Struct, frozen=True):
    """A preview in words: lists of how many of what, the most first. `basis`: what it rests on; `counting`: how tokens
    were counted, where that is not exact."""

    told: Preview
    basis: str
    cost: str
    counting: str
    made: list[tuple[str, int]]
    replaced: list[tuple[str, int]]
    left_out: list[tuple[str, int]]
    warnings: list[Told]
    samples: list[Sample]


def shown(told: Preview) -> Shown:
    """The preview, put into words."""
    return Shown(
        told,
        _basis(told),
        _DATE.sub(_UNBROKEN, told.cost_words or ""),
        "" if told.count_error is None else "Tokens are estimated, which is right to within about a tenth.",
        _counted(told.examples_per_kind, _KINDS),
        _counted(told.redactions, _REPLACED),
        _counted(told.skipped, words.SKIPPED),
        [words.warning(one.code, one.message) for one in told.warnings],
        [_sample(one) for one in told.samples],
    )


def is_vain(told: Preview) -> bool:
    """Whether such a job is sure to fail."""
    return any(one.code in ("vault_too_small", "backend_not_supported_yet") for one in told.warnings)


def suggested(now: float) -> str:
    """A label for a job that has none yet: the month. `now` in seconds since the epoch."""
    return datetime.fromtimestamp(now, UTC).strftime("%B %Y")


def wrong(field: str, error: GatewayError) -> str:
    """What an error of the API's says at its field: its own words, unless they are for who writes JSON."""
    is_technical = error.code == "teacher_consent_required" or "Expected `" in error.message
    return FIELDS[field].wrong if is_technical else error.message


def _basis(told: Preview) -> str:
    if not told.is_estimate:
        return "All of the Vault’s ready chunks were made into examples for this, so these are the job’s own figures."
    counted = "" if told.counted_all else " Counting all of them took too long, so their number is the last one known."
    return (
        f"Made of a fair sample: {told.sampled_chunks:,} of {told.ready_chunks:,} ready chunks. The figures stand for "
        "all of them and are estimates; texts that are nearly the same show less in a sample, so the job may come out "
        f"smaller and cheaper.{counted}"
    )


def _counted(counts: Mapping[str, int], named: Mapping[str, str]) -> list[tuple[str, int]]:
    most_first = sorted(counts.items(), key=lambda one: -one[1])
    return [(named.get(name, name.replace("_", " ")), count) for name, count in most_first if count]


def _sample(example: Example) -> Sample:
    return Sample(_KINDS.get(example.kind, example.kind), example.user, example.assistant)
