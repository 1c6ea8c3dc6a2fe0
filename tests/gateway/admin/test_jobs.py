"""Fine-tune jobs through the admin API: ordered, followed, cancelled, activated."""

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.admin import BASE_MODEL, NO_TLS, STOCK, Admin, unique
from tests.support.firms import Firm
from tests.support.processes import Program, wait_until
from tests.support.sandbox import CREATE, POLL, UPLOAD, Account
from tests.support.vaults import write_vault


@pytest.fixture
def firm(admin: Admin, sandbox: Program, vault: Path) -> Firm:
    """A tenant with a Vault."""
    return Firm(admin, sandbox.url, vault=vault)


@pytest.fixture
def account(firm: Firm) -> Account:
    """The tenant's account at its provider."""
    return firm.account


def test_a_job_from_order_to_answers_of_its_model(admin: Admin, firm: Firm, account: Account) -> None:
    answer = admin.ask(
        "POST",
        f"{firm.path}/jobs",
        {"label": "Spring", "backend": "openai", "base_model": BASE_MODEL, "hyperparameters": {"n_epochs": 2}},
    )
    assert answer.status_code == 201
    made = answer.json()
    assert (made["status"], made["label"], made["provider"], made["hyperparameters"]) == (
        "queued",
        "Spring",
        "main",
        {"n_epochs": 2},
    )
    path = firm.job_path(made)
    assert admin.get(path)["id"] == made["id"]
    job = admin.job(path)
    assert job["status"] == "ready"
    assert job["fine_tuned_model"].startswith(f"ft:{BASE_MODEL}:")
    assert job["dataset"]["chunks"] == 20
    assert job["dataset"]["skipped"]["not_ready"] == 3
    assert [warning["code"] for warning in job["warnings"]] == ["small_vault"]
    assert (job["error"], job["is_active"], bool(job["finished_at"])) == (None, False, True)
    [at_provider] = account.jobs()
    assert at_provider["id"] == job["provider_job_id"]
    assert at_provider["trained_tokens"] == job["trained_tokens"]
    assert firm.name not in job["fine_tuned_model"]

    assert firm.say(job["fine_tuned_model"]).headers["x-model-reason"] == "pinned_fine_tune"
    kinds = [event["kind"] for event in admin.get(f"{path}/events")["items"]]
    assert kinds[0] == "queued"
    assert "ready" in kinds
    assert {"snapshotting", "snapshot", "uploaded", "training"} <= set(kinds)
    page = admin.get(f"{path}/events?limit=2")
    more = admin.get(f"{path}/events?limit=2&cursor={page['next_cursor']}")
    assert [event["kind"] for event in page["items"] + more["items"]] == kinds[:4]
    assert len(admin.get(f"{path}/examples?limit=5")["items"]) == 5
    assert admin.get(f"{path}/manifest")


def test_a_job_is_made_of_shipped_defaults_where_nothing_is_said(admin: Admin, firm: Firm) -> None:
    job = admin.post(f"{firm.path}/jobs", {"label": "x", "backend": "openai"})
    assert job["base_model"]
    assert job["provider"] == "main"
    admin.post(f"{firm.job_path(job)}/cancel")


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({}, 422, "invalid_field", "label"),
        ({"label": "x"}, 422, "invalid_field", "backend"),
        ({"label": "x", "backend": "watson"}, 422, "invalid_field", "backend"),
        ({"label": "x", "backend": "openai", "colour": 1}, 422, "unknown_field", "colour"),
        (
            {"label": "x", "backend": "openai", "hyperparameters": {"n_epochs": "many"}},
            422,
            "invalid_field",
            "hyperparameters.n_epochs",
        ),
        (
            {"label": "x", "backend": "openai", "hyperparameters": {"n_epochs": 0}},
            422,
            "invalid_field",
            "hyperparameters.n_epochs",
        ),
        (
            {"label": "x", "backend": "openai", "hyperparameters": {"epochs": 1}},
            422,
            "unknown_field",
            "hyperparameters.epochs",
        ),
        ({"label": "x", "backend": "openai", "options": {"sed": 1}}, 422, "unknown_field", "options.sed"),
        ({"label": "x", "backend": "openai", "options": {"seed": -1}}, 422, "invalid_field", "options.seed"),
        ({"label": "x", "backend": "openai", "provider": "other"}, 404, "provider_not_configured", "provider"),
    ],
)
def test_an_order_that_cannot_be_used(admin: Admin, firm: Firm, body: Any, status: int, code: str, param: str) -> None:
    assert admin.refused("POST", f"{firm.path}/jobs", body) == (status, code, param)
    assert admin.get(f"{firm.path}/jobs")["items"] == []


def test_without_a_provider_that_speaks_the_backends_api_there_is_no_job(admin: Admin) -> None:
    path = f"/tenants/{unique('bare')}"
    admin.put(path, {})
    order = {"label": "x", "backend": "openai"}
    assert admin.refused("POST", f"{path}/jobs", order) == (404, "provider_not_configured", "provider")
    admin.put(f"{path}/providers/main", {"kind": "bedrock", "default_model": "amazon.nova-lite-v1:0"})
    assert admin.refused("POST", f"{path}/jobs", order) == (422, "invalid_field", "provider")


def test_nobody_tunes_on_top_of_anothers_model(admin: Admin, firm: Firm) -> None:
    order = {"label": "x", "backend": "openai", "base_model": "ft:gpt-4o-mini-2024-07-18:other::abc"}
    assert admin.refused("POST", f"{firm.path}/jobs", order) == (404, "model_not_found", "base_model")


def test_an_error_names_the_values_that_it_may_be(admin: Admin, firm: Firm) -> None:
    answer = admin.ask("POST", f"{firm.path}/jobs", {"label": "x", "backend": "watson"})
    assert "openai" in answer.json()["error"]["message"]
    assert "anthropic" in answer.json()["error"]["message"]


def test_an_idempotency_key_makes_a_repeat_harmless(admin: Admin, firm: Firm, account: Account) -> None:
    body = {"label": "Spring", "backend": "openai", "base_model": BASE_MODEL}
    once = {"idempotency-key": "order 7"}
    first = admin.ask("POST", f"{firm.path}/jobs", body, once)
    admin.job(firm.job_path(first.json()))
    again = admin.ask("POST", f"{firm.path}/jobs", body, once)
    assert (again.status_code, again.json()) == (201, first.json())
    other = admin.ask("POST", f"{firm.path}/jobs", {**body, "label": "Autumn"}, once)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_key_reused")
    assert len(admin.get(f"{firm.path}/jobs")["items"]) == 1
    assert len(account.jobs()) == 1


async def test_repeats_at_the_same_time_make_one_job(admin: Admin, firm: Firm) -> None:
    headers = {"authorization": admin.ask("GET", "/replicas").request.headers["authorization"], "idempotency-key": "k"}
    async with httpx2.AsyncClient(verify=NO_TLS, timeout=30) as http:
        url = f"{admin.url}/admin/api{firm.path}/jobs"
        body = {"label": "x", "backend": "anthropic"}
        answers = await asyncio.gather(*(http.post(url, json=body, headers=headers) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(admin.get(f"{firm.path}/jobs")["items"]) == 1


def test_a_page_that_cannot_be_used(admin: Admin, firm: Firm) -> None:
    job = firm.start_job(backend="anthropic")
    events = f"{firm.job_path(job)}/events"
    assert admin.refused("GET", f"{events}?cursor=garbage") == (422, "invalid_field", "cursor")
    assert admin.refused("GET", f"{events}?limit=%C2%B2") == (422, "invalid_field", "limit")


def test_jobs_are_listed_newest_first_in_pages(admin: Admin, firm: Firm) -> None:
    made = [firm.start_job(backend="anthropic")["id"] for _ in range(4)]
    first = admin.get(f"{firm.path}/jobs?limit=3")
    rest = admin.get(f"{firm.path}/jobs?limit=3&cursor={first['next_cursor']}")
    assert [job["id"] for job in first["items"] + rest["items"]] == made[::-1]
    assert rest["next_cursor"] is None


def test_a_backend_without_self_serve_says_so(admin: Admin, firm: Firm, account: Account) -> None:
    job = firm.finished(firm.start_job(backend="anthropic"))
    assert (job["status"], job["error"]["code"]) == ("failed", "backend_not_supported_yet")
    assert account.calls() == []


def test_of_a_vault_that_is_too_small_nothing_leaves_the_house(
    admin: Admin, firm: Firm, account: Account, data_dir: Path
) -> None:
    small = write_vault(data_dir / "vaults" / "small.jsonl", 9, 40)
    admin.put(f"{firm.path}/vault", {"url": small.as_uri()})
    job = firm.finished(firm.start_job())
    assert (job["status"], job["error"]["code"]) == ("failed", "vault_too_small")
    assert job["dataset"]["chunks"] == 9
    assert account.calls() == []


def test_a_vault_that_has_gone_or_was_never_there_fails_the_job(
    admin: Admin, firm: Firm, sandbox: Program, data_dir: Path
) -> None:
    gone = write_vault(data_dir / "vaults" / "gone.jsonl", 12)
    admin.put(f"{firm.path}/vault", {"url": gone.as_uri()})
    gone.unlink()
    without = Firm(admin, sandbox.url)
    for one in (firm, without):
        job = one.finished(one.start_job())
        assert (job["status"], job["error"]["code"]) == ("failed", "vault_unreadable")


def test_what_the_provider_refuses_is_told_in_its_words(admin: Admin, firm: Firm, account: Account) -> None:
    job = firm.finished(firm.start_job(base_model="gpt-nonsense"))
    assert (job["status"], job["error"]["code"]) == ("failed", "base_model_not_tunable")
    assert "gpt-nonsense" in job["error"]["message"]

    admin.put(f"{firm.path}/providers/main", {**firm.provider, "api_key": "wrong-key"})
    job = firm.finished(firm.start_job())
    assert (job["status"], job["error"]["code"]) == ("failed", "provider_auth_failed")


@pytest.mark.parametrize("state", ["uploading", "training"])
def test_a_job_is_cancelled_in_every_state(admin: Admin, firm: Firm, account: Account, state: str) -> None:
    if state == "uploading":
        account.order("rate_limit", UPLOAD, times=None, retry_after=1)
    else:
        account.order("status", POLL, times=None, status="running")
    path = firm.job_path(firm.start_job())
    admin.job(path, state)
    answer = admin.ask("POST", f"{path}/cancel")
    assert answer.status_code == 200
    if state == "uploading":
        assert admin.job(path)["status"] == "cancelled"
        assert account.jobs() == []
    else:
        # The provider is asked at once, whatever it then says of the job's state.
        wait_until(lambda: bool(account.calls("POST", "/v1/fine_tuning/jobs/ftjob")), 15, "the provider's cancel")
    assert admin.ask("POST", f"{path}/cancel").status_code == 200  # asking twice is no error


def test_cancelling_at_once_makes_nothing_at_the_provider(admin: Admin, firm: Firm, account: Account) -> None:
    path = firm.job_path(firm.start_job(provider="main"))
    admin.ask("POST", f"{path}/cancel")
    assert admin.job(path)["status"] in ("cancelled", "ready")
    if admin.get(path)["status"] == "cancelled":
        assert all(job["status"] == "cancelled" for job in account.jobs())


def test_a_job_in_training_is_cancelled_at_the_provider(admin: Admin, firm: Firm, account: Account) -> None:
    account.order("slow_first_byte", CREATE, seconds=0)
    path = firm.job_path(firm.start_job())
    admin.job(path, "training", "ready")
    cancelled = admin.ask("POST", f"{path}/cancel")
    job = admin.job(path)
    if cancelled.status_code == 200 and job["status"] == "cancelled":
        assert [one["status"] for one in account.jobs()] == ["cancelled"]
        assert admin.refused("POST", f"{path}/activate")[:2] == (409, "job_not_ready")


def test_a_job_that_is_over_cannot_be_cancelled(admin: Admin, firm: Firm) -> None:
    ready = firm.ready_job()
    assert admin.refused("POST", f"{firm.job_path(ready)}/cancel")[:2] == (409, "job_finished")
    failed = firm.start_job(backend="anthropic")
    admin.job(firm.job_path(failed))
    assert admin.refused("POST", f"{firm.job_path(failed)}/cancel")[:2] == (409, "job_finished")


def test_refresh_polls_the_provider_now(admin: Admin, firm: Firm, account: Account) -> None:
    ready = firm.ready_job()
    polls = ("GET", "/v1/fine_tuning/")
    calls = len(account.calls(*polls))
    assert admin.post(f"{firm.job_path(ready)}/refresh")["status"] == "ready"
    assert len(account.calls(*polls)) == calls  # over: nothing to ask

    account.order("status", POLL, times=3, status="paused_for_review")
    path = firm.job_path(firm.start_job())
    admin.job(path, "training")
    before = len(account.calls("GET", "/v1/fine_tuning/jobs/ftjob"))
    assert admin.post(f"{path}/refresh")["status"] in ("training", "ready")
    assert len(account.calls("GET", "/v1/fine_tuning/jobs/ftjob")) > before
    assert admin.job(path)["status"] == "ready"


def test_only_a_ready_job_can_be_activated(admin: Admin, firm: Firm, account: Account) -> None:
    account.order("status", POLL, times=None, status="running")
    path = firm.job_path(firm.start_job())
    assert admin.refused("POST", f"{path}/activate")[:2] == (409, "job_not_ready")
    admin.job(path, "training")
    assert admin.refused("POST", f"{path}/activate")[:2] == (409, "job_not_ready")
    assert admin.get(firm.path)["active_job"] is None
    assert admin.refused("POST", f"{firm.path}/jobs/job_nothing/activate")[:2] == (404, "job_not_found")


@pytest.mark.parametrize("share", [0, -0.1, 1.01, "half", None, True])
def test_a_share_is_above_none_and_at_most_all(admin: Admin, firm: Firm, share: Any) -> None:
    path = f"{firm.path}/jobs/job_nothing/activate"
    assert admin.refused("POST", path, {"share": share}) == (422, "invalid_field", "share")


def test_another_tenants_job_is_not_there(admin: Admin, firm: Firm, sandbox: Program, vault: Path) -> None:
    other = Firm(admin, sandbox.url, vault=vault)
    job = other.ready_job()
    for method, path in (
        ("GET", ""),
        ("GET", "/events"),
        ("GET", "/examples"),
        ("POST", "/activate"),
        ("POST", "/cancel"),
    ):
        assert admin.refused(method, f"{firm.path}/jobs/{job['id']}{path}")[:2] == (404, "job_not_found")


def test_one_job_is_active_at_a_time_whoever_asks(admin: Admin, firm: Firm) -> None:
    jobs = [firm.start_job(), firm.start_job()]
    first, second = (firm.finished(job) for job in jobs)
    answer = admin.ask("POST", f"{firm.job_path(first)}/activate", {})
    assert answer.status_code == 200
    activation = answer.json()
    assert {
        name: activation[name]
        for name in ("tenant", "active_job", "model", "share", "deactivated", "replicas", "acknowledged", "unreachable")
    } == {
        "tenant": firm.name,
        "active_job": first["id"],
        "model": first["fine_tuned_model"],
        "share": 1.0,
        "deactivated": [],
        "replicas": 1,
        "acknowledged": 1,
        "unreachable": 0,
    }
    assert activation["durable"] is True
    assert activation["revision"] == int(answer.headers["x-revision"])
    assert answer.headers["x-acknowledged"] == "1"
    tenant = admin.get(firm.path)
    assert (tenant["active_job"], tenant["model"]) == (first["id"], first["fine_tuned_model"])
    assert firm.say().json()["model"] == first["fine_tuned_model"]

    replaced = firm.activate(second, share=0.25)
    assert (replaced["deactivated"], replaced["share"]) == ([first["id"]], 0.25)
    assert firm.activate(second)["deactivated"] == []
    shown = {job["id"]: job["is_active"] for job in admin.get(f"{firm.path}/jobs")["items"]}
    assert shown == {first["id"]: False, second["id"]: True}
    assert firm.say().json()["model"] == second["fine_tuned_model"]

    stock = firm.use_stock()
    assert (stock["active_job"], stock["model"], stock["share"], stock["deactivated"]) == (
        None,
        None,
        1.0,
        [second["id"]],
    )
    assert firm.say().headers["x-model-reason"] == "no_active_job"
    assert firm.use_stock()["deactivated"] == []
    assert {job["status"] for job in admin.get(f"{firm.path}/jobs")["items"]} == {"ready"}

    admin.put(firm.path, {"rule": "off"})
    warned = firm.activate(first)
    assert [warning["code"] for warning in warned["warnings"]] == ["rule_off"]
    assert firm.say().headers["x-model-reason"] == "no_active_job"


async def test_two_jobs_activated_a_hundred_times_at_once_leave_one_active(admin: Admin, firm: Firm) -> None:
    jobs = [firm.start_job(), firm.start_job()]
    pair = [firm.finished(job) for job in jobs]
    headers = {"authorization": admin.ask("GET", "/replicas").request.headers["authorization"]}
    async with httpx2.AsyncClient(verify=NO_TLS, timeout=60) as http:

        async def activate(number: int) -> httpx2.Response:
            url = f"{admin.url}/admin/api{firm.job_path(pair[number % 2])}/activate"
            return await http.post(url, json={}, headers=headers)

        answers = await asyncio.gather(*(activate(number) for number in range(100)))
    assert {answer.status_code for answer in answers} == {200}
    flips: dict[int, list[Any]] = {}  # with those who asked for what stood already, and were told so
    for answer in answers:
        flips.setdefault(answer.json()["revision"], []).append(answer.json())
    assert len(flips) > 1
    active: str | None = None
    for _, told in sorted(flips.items()):  # each says rightly what it replaced
        [now_active] = {done["active_job"] for done in told}
        assert now_active != active
        assert [job for done in told for job in done["deactivated"]] == ([active] if active else [])
        active = now_active
    assert [job["id"] for job in admin.get(f"{firm.path}/jobs")["items"] if job["is_active"]] == [active]
    model = next(job["fine_tuned_model"] for job in pair if job["id"] == active)
    assert firm.say(STOCK).json()["model"] == model
