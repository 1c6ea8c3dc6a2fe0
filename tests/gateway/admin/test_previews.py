"""`POST T/jobs/preview`: what a job would be, and why there is none."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.admin import BASE_MODEL, Admin, unique
from tests.support.firms import Firm
from tests.support.processes import Program
from tests.support.vaults import demo_vault, write_vault

PRICED = "gpt-4.1-mini-2025-04-14"
ORDER = {"label": "Spring", "backend": "openai", "base_model": PRICED}


@pytest.fixture
def firm(admin: Admin, sandbox: Program, data_dir: Path) -> Iterator[Firm]:
    """A tenant with the demo's Vault."""
    with closing(Firm(admin, sandbox.url, vault=demo_vault(data_dir))) as made:
        yield made


def test_it_tells_what_the_job_then_is(admin: Admin, firm: Firm) -> None:
    told = admin.post(f"{firm.path}/jobs/preview", ORDER)
    assert admin.get(f"{firm.path}/jobs")["items"] == []
    assert admin.get(f"{firm.path}/audit?action=job.make")["items"] == []
    assert firm.account.calls() == [], "the provider hears of nothing"
    job = firm.ready_job(base_model=PRICED)
    dataset = job["dataset"]
    assert not told["is_estimate"]
    assert (told["ready_chunks"], told["examples"], told["tokens"], told["skipped"]) == (
        dataset["chunks"],
        dataset["examples"],
        dataset["tokens"],
        dataset["skipped"],
    )
    assert told["estimated_cost_usd"] == job["estimated_cost_usd"]
    assert [one["code"] for one in told["warnings"]] == [one["code"] for one in job["warnings"]]
    assert {one["kind"] for one in told["samples"]} == set(told["examples_per_kind"])
    assert set(told["samples"][0]) >= {"user", "assistant", "document_id"}


@pytest.mark.parametrize(
    ("changed", "refused"),
    [
        ({"provider": "nobody"}, (404, "provider_not_configured", "provider")),
        ({"options": {"writer": "teacher"}}, (422, "teacher_consent_required", "options.teacher_consent")),
        ({"options": {"redact": "presidio"}}, (422, "invalid_field", "options.redact")),
        ({"label": 5}, (422, "invalid_field", "label")),
        ({"more": 1}, (422, "unknown_field", "more")),
    ],
)
def test_what_a_job_would_be_refused_for(
    admin: Admin, firm: Firm, changed: dict[str, object], refused: tuple[int, str, str]
) -> None:
    assert admin.refused("POST", f"{firm.path}/jobs/preview", {**ORDER, **changed}) == refused


def test_what_must_be_there_first(admin: Admin, sandbox: Program) -> None:
    bare = f"/tenants/{unique('t')}"
    admin.put(bare, {})
    assert admin.refused("POST", f"{bare}/jobs/preview", ORDER)[:2] == (404, "provider_not_configured")
    with closing(Firm(admin, sandbox.url)) as firm:
        assert admin.refused("POST", f"{firm.path}/jobs/preview", ORDER)[:2] == (404, "vault_not_configured")


def test_a_vault_that_went_away_or_is_too_small(admin: Admin, sandbox: Program, data_dir: Path) -> None:
    vault = write_vault(data_dir / "vaults" / f"{unique('v')}.jsonl", 12)
    with closing(Firm(admin, sandbox.url, vault=vault)) as firm:
        write_vault(vault, 4)
        told = admin.post(f"{firm.path}/jobs/preview", ORDER)
        assert told["ready_chunks"] == 4
        assert [one["code"] for one in told["warnings"]] == ["vault_too_small"]
        vault.unlink()
        order = {**ORDER, "options": {"seed": 1}}  # another one, which is not kept from before
        answer = admin.ask("POST", f"{firm.path}/jobs/preview", order)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "vault_unreadable")
        assert vault.name in answer.json()["error"]["message"]


def test_limits_are_told_of(admin: Admin, firm: Firm) -> None:
    path, order = f"{firm.path}/jobs/preview", {**ORDER, "options": {"cost_limit_usd": 0.0001}}
    [limit] = [one for one in admin.post(path, order)["warnings"] if one["code"] == "cost_limit_exceeded"]
    assert "more than its limit" in limit["message"]
    admin.put(firm.path, {"cost_limit_usd": 0.0001})
    assert "cost_limit_exceeded" in [one["code"] for one in admin.post(path, ORDER)["warnings"]]


def test_preview_is_no_jobs_id(admin: Admin, firm: Firm) -> None:
    assert admin.refused("GET", f"{firm.path}/jobs/preview")[0] == 405
    assert admin.refused("POST", f"{firm.path}/jobs/{BASE_MODEL}/refresh")[:2] == (404, "job_not_found")
