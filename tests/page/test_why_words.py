"""A call in words: tables. Every reason, every end, every error has words of its own and says what to do."""

import re
from typing import Any

import pytest

from gateway.admin.page.why_words import REASONS, outcome, reason, story
from gateway.errors import TABLE
from policies.values import Reason
from tests.support.why import record

AT = "2026-11-29T21:32:01.162Z"
SINCE = "2026-11-28T09:00:00.000Z"
OWN: dict[str, Any] = {
    "time": AT,
    "fine_tuned": True,
    "reason": "active_job",
    "job_id": "job_1",
    "routed_model": "ft:x",
    "served_model": "ft:x",
}
STOCK: dict[str, Any] = {"time": AT, "served_model": "small"}
REFUSED: dict[str, Any] = {"time": AT, "attempts": 0, "routed_model": None, "reason": None}


def told(label: str | None = "Spring 2026", since: str | None = SINCE, **fields: Any) -> tuple[str, str, str, str]:
    """Title, text without its marks, what to do, tone."""
    made = story(record(1, **fields), label, since, "Assistant")
    return made.title, re.sub(r"<[^>]+>", "", made.text), made.todo, made.tone


ASKED = "On 29 Nov 2026, 21:32 UTC the caller Assistant asked for gpt-4o-mini; "


@pytest.mark.parametrize(
    ("fields", "title", "text", "tone"),
    [
        (
            OWN,
            "The firm’s model “Spring 2026” answered",
            "the firm’s model Spring 2026 answered, because it had been active since 28 Nov 2026, 09:00 UTC.",
            "good",
        ),
        (
            {**OWN, "reason": "pinned_fine_tune"},
            "The firm’s model “Spring 2026” answered",
            "the firm’s model Spring 2026 answered, because the call named that very model.",
            "good",
        ),
        (
            {**STOCK, "reason": "no_active_job"},
            "The stock model answered",
            ("the stock model small answered, because no model of the firm’s own was active, or the rule was off."),
            "quiet",
        ),
        (
            {**STOCK, "reason": "model_not_default"},
            "The stock model answered",
            (
                "the stock model small answered, because another model than the default was asked for, and "
                "the rule leaves those alone."
            ),
            "quiet",
        ),
        (
            {**STOCK, "reason": "stock_arm"},
            "The stock model answered",
            (
                "the stock model small answered, because the firm’s own model answers a share of the calls, "
                "and this one was in the rest."
            ),
            "quiet",
        ),
        (
            {**STOCK, "reason": "opted_out"},
            "The stock model answered",
            (
                "the stock model small answered, because the call itself asked for that, with the header "
                "X-Model-Policy: stock."
            ),
            "quiet",
        ),
        (
            {**STOCK, "reason": "fallback_stock", "attempts": 2},
            "The stock model answered",
            ("the stock model small answered, because the provider, asked for the firm’s own model first, refused it."),
            "quiet",
        ),
        (
            {**STOCK, "reason": "fallback_stock"},
            "The stock model answered",
            ("the stock model small answered, because the provider had refused the firm’s own model a moment before."),
            "quiet",
        ),
        (
            {**STOCK, "reason": "endpoint_not_tunable"},
            "The call was passed on as it was",
            "the provider main answered, because its route (/v1/…) has no model that the gateway may write into it.",
            "quiet",
        ),
        (
            {**REFUSED, "reason": "foreign_fine_tune", "status": 404, "error": "model_not_found"},
            "The call was refused",
            "it was refused, because it named a model that is not this firm’s.",
            "bad",
        ),
        (
            {**REFUSED, "status": 403, "error": "tenant_suspended"},
            "The call was refused",
            "it was refused, because the firm was suspended.",
            "bad",
        ),
        (
            {**OWN, "status": 503},
            "The call failed",
            (
                "the firm’s model Spring 2026 was asked, because it had been active since 28 Nov 2026, 09:00 UTC. The "
                "provider answered with status 503: the trouble was there."
            ),
            "bad",
        ),
        (
            {**OWN, "status": 504, "error": "upstream_timeout"},
            "The call failed",
            (
                "the firm’s model Spring 2026 was asked, because it had been active since 28 Nov 2026, 09:00 UTC. The "
                "provider did not answer in time."
            ),
            "bad",
        ),
        (
            {**OWN, "cancelled": True},
            "The caller left",
            (
                "the firm’s model Spring 2026 was asked, because it had been active since 28 Nov 2026, 09:00 UTC, and "
                "the caller left before the answer’s end."
            ),
            "quiet",
        ),
    ],
)
def test_a_call_in_words(fields: dict[str, Any], title: str, text: str, tone: str) -> None:
    found = told(**fields)
    assert (found[0], found[1], found[3]) == (title, ASKED + text, tone)


def test_who_asked_and_for_what() -> None:
    assert "the workflow intake (key Assistant) asked for" in told(**OWN, workflow="intake")[1]
    assert "asked for the default model;" in told(**OWN, requested_model="default")[1]
    assert "asked without naming a model;" in told(**OWN, requested_model=None)[1]


def test_what_is_not_known_is_left_out() -> None:
    assert "because it was active." in told(since=None, **OWN)[1]
    assert "the firm’s model job_1 answered" in told(label=None, **OWN)[1]


def test_a_caller_who_left_early() -> None:
    assert told(**REFUSED, cancelled=True, status=0)[1] == (
        "On 29 Nov 2026, 21:32 UTC the caller Assistant asked for gpt-4o-mini, and left before anything was sent to a "
        "provider."
    )


def test_what_callers_and_providers_say_is_no_markup() -> None:
    made = story(
        record(1, **{**OWN, "requested_model": "<b>", "workflow": "<i>x"}), "<script>", "2026-11-28T09:00:00Z", "<u>"
    )
    assert not re.search(r"<(b|script|u|i>x)", made.text)


@pytest.mark.parametrize("code", [*Reason])
def test_every_reason_has_words(code: Reason) -> None:
    assert set(REASONS) == {str(one) for one in Reason}
    text = told(**{**STOCK, "reason": str(code)})[1]
    assert str(code) not in text
    assert reason(code) == REASONS[code]


def test_a_reason_that_is_not_known_is_told_all_the_same() -> None:
    assert "because of the reason new_reason." in told(**{**STOCK, "reason": "new_reason"})[1]
    assert reason("new_reason") == "new reason"
    assert reason(None) == "Refused before that"


# What the data plane refuses a call of a known tenant with, before anything goes to a provider.
REFUSALS = (
    "invalid_json",
    "invalid_model_field",
    "endpoint_not_supported",
    "malformed_request",
    "tenant_suspended",
    "endpoint_not_allowed",
    "model_not_found",
    "provider_not_configured",
    "request_timeout",
    "request_too_large",
    "concurrency_limit_exceeded",
    "headers_too_large",
    "internal_error",
    "upstream_unreachable",
    "draining",
    "not_ready",
)


@pytest.mark.parametrize("code", REFUSALS)
def test_every_refusal_says_why_and_what_to_do(code: str) -> None:
    assert code in TABLE
    _, text, todo, _ = told(**REFUSED, status=TABLE[code].status, error=code)
    assert "of an error" not in text
    assert todo.endswith(".")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429, 500, 503])
def test_every_status_of_a_providers_says_what_to_do(status: int) -> None:
    title, text, todo, tone = told(**{**OWN, "status": status})
    assert (title, tone) == ("The call failed", "bad")
    assert f"status {status}" in text
    assert todo.endswith(".")


@pytest.mark.parametrize(
    ("fields", "label"),
    [
        (OWN, "Answered"),
        (STOCK, "Answered"),
        ({**OWN, "status": 503}, "Failed"),
        ({**REFUSED, "status": 403, "error": "tenant_suspended"}, "Refused"),
        ({**OWN, "cancelled": True, "status": 0}, "Left"),
        ({**OWN, "status": 200, "error": "upstream_disconnected"}, "Failed"),
    ],
)
def test_how_a_call_ended(fields: dict[str, Any], label: str) -> None:
    assert outcome(record(1, **fields)).label == label
