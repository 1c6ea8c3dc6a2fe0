"""Every code that an admin may meet has words, and says what to do."""

import pytest

from finetune.retirement import WARNINGS
from finetune.states import TABLE as STATES
from gateway.admin.page import words
from gateway.errors import GatewayError

# The contract's `error.code` of a Job.
FAILURES = (
    "vault_too_small",
    "vault_unreadable",
    "provider_not_configured",
    "provider_auth_failed",
    "backend_not_supported_yet",
    "base_model_not_tunable",
    "training_file_rejected",
    "training_failed",
    "provider_job_missing",
    "cost_limit_exceeded",
    "deadline_exceeded",
)


@pytest.mark.parametrize("code", FAILURES)
def test_a_failure_says_what_to_do(code: str) -> None:
    told = words.failure(code, "The provider's own words.")
    assert told.title != words.failure("unheard_of", "").title
    assert told.text == "The provider's own words."
    assert told.todo.endswith(".")


@pytest.mark.parametrize("code", [*WARNINGS, "small_vault", "model_refused", "files_not_deleted", "not_acknowledged"])
def test_a_warning_has_a_title(code: str) -> None:
    assert words.warning(code, "").title != words.warning("unheard_of", "").title


def test_what_is_not_known_is_told_all_the_same() -> None:
    assert words.failure("unheard_of", "It broke.").text == "It broke."
    assert words.warning("unheard_of", "Careful.").text == "Careful."
    assert words.skipped("odd_thing") == "odd thing"


def test_every_state_has_words() -> None:
    assert set(words.STATES) == set(STATES)


@pytest.mark.parametrize(
    "code", ["tenant_mismatch", "job_not_ready", "store_unavailable", "store_full", "store_unsaved", "cross_site"]
)
def test_a_refusal_keeps_the_errors_own_words(code: str) -> None:
    told = words.refusal(GatewayError(code))
    assert told.text == GatewayError(code).message
    assert told.todo
    assert told.title != words.refusal(GatewayError("dataset_missing")).title


def test_why_the_store_takes_no_change_is_told_apart() -> None:
    titles = {words.refusal(GatewayError(row)).title for row in ("store_unavailable", "store_full", "store_unsaved")}
    assert len(titles) == 3
    assert "memory" in words.refusal(GatewayError("store_full")).todo
