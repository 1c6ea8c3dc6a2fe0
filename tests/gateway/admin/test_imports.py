"""A fine-tuned model made elsewhere becomes a `ready` job: checked at the provider, nobody else's, callable at once."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from gateway.admin.imports import is_fine_tune
from gateway.admin.provider_models import Listed
from tests.support.admin import BASE_MODEL, STOCK, Admin, unique
from tests.support.firms import Firm
from tests.support.processes import Program, wait_until
from tests.support.servers import in_thread
from tests.support.upstream import Peer, Received, Upstream, echo_model, upstream

TUNED = f"ft:{BASE_MODEL}:elsewhere:spring:abc123"


def answering(*rows: dict[str, Any]) -> Any:
    """A provider that has these models, and answers calls by whichever is asked for."""

    async def script(request: Received, peer: Peer) -> None:
        if request.method == "POST":
            await echo_model(request, peer)
            return
        name = request.target.rpartition("/models/")[2]
        found = next((row for row in rows if row["id"] == name), None)
        if found is None:
            await peer.answer(b'{"error":{"code":"model_not_found"}}', "404 Not Found")
        else:
            await peer.answer(msgspec.json.encode({"object": "model", **found}))

    return script


@pytest.fixture
def provider() -> Iterator[Upstream]:
    """A scripted one in a thread of its own, since the admin's requests wait for it."""
    with in_thread(upstream(echo_model)) as made:
        yield made


@pytest.fixture
def elsewhere(provider: Upstream) -> Upstream:
    """A provider with a fine-tuned model that no job here made."""
    provider.script = answering({"id": TUNED}, {"id": STOCK, "owned_by": "system"})
    return provider


def order(**changes: Any) -> dict[str, Any]:
    return {"label": "Spring", "provider": "main", "model": TUNED, "base_model": BASE_MODEL, **changes}


def test_from_import_to_answers_of_the_model(admin: Admin, firm: Firm, elsewhere: Upstream) -> None:
    assert firm.say(TUNED).status_code == 404, "nobody knows it yet"
    answer = admin.ask("POST", f"{firm.path}/jobs/import", order())
    assert answer.status_code == 201
    assert int(answer.headers["x-acknowledged"]) >= 1
    job = answer.json()
    assert (job["status"], job["fine_tuned_model"], job["base_model"]) == ("ready", TUNED, BASE_MODEL)
    assert (job["backend"], job["provider"], job["label"], job["imported"]) == ("openai", "main", "Spring", True)
    assert (job["provider_job_id"], job["dataset"], job["error"]) == (None, None, None)
    assert job["finished_at"]
    assert elsewhere.requests[0].target == f"/v1/models/{TUNED}"
    assert elsewhere.requests[0].header("authorization") == [f"Bearer {firm.account.key}"]

    assert firm.say(TUNED).headers["x-model-reason"] == "pinned_fine_tune"
    assert firm.activate(job)["model"] == TUNED
    answered = firm.say(STOCK)
    assert (answered.json()["model"], answered.headers["x-model-reason"]) == (TUNED, "active_job")

    assert firm.job(job)["status"] == "ready"
    assert [event["kind"] for event in admin.get(f"{firm.job_path(job)}/events")["items"]] == ["imported"]
    [record] = [one for one in admin.get(f"{firm.path}/audit")["items"] if one["action"] == "job.import"]
    assert record["after"]["fine_tuned_model"] == TUNED
    assert record["actor"]["type"] == "platform_admin"
    assert firm.account.key not in msgspec.json.encode(record).decode()


def test_it_is_made_at_a_sandbox_by_hand_and_imported(admin: Admin, sandbox: Program, vault: Any) -> None:
    maker = Firm(admin, sandbox.url, vault=vault)
    model = maker.ready_job()["fine_tuned_model"]
    importer = Firm(admin, sandbox.url)
    body = {**importer.provider, "api_key": maker.account.key}
    admin.put(f"{importer.path}/providers/main", body)  # the very same account, so it does have the model
    assert admin.refused("POST", f"{importer.path}/jobs/import", order(model=model)) == (
        404,
        "model_not_found",
        "model",
    )
    admin.delete(maker.path)
    assert admin.refused("POST", f"{importer.path}/jobs/import", order(model=model)) == (
        404,
        "model_not_found",
        "model",
    )
    assert admin.get(f"{importer.path}/jobs")["items"] == []


def test_the_same_name_in_another_account_is_another_model(admin: Admin, elsewhere: Upstream) -> None:
    one, other = Firm(admin, elsewhere.url), Firm(admin, elsewhere.url)
    for firm in (one, other):
        assert admin.post(f"{firm.path}/jobs/import", order())["status"] == "ready"
        assert firm.say(TUNED).headers["x-model-reason"] == "pinned_fine_tune"


def test_whether_a_model_of_anothers_is_there_is_not_told(admin: Admin, elsewhere: Upstream) -> None:
    one, other = Firm(admin, elsewhere.url), Firm(admin, elsewhere.url)
    admin.put(f"{other.path}/providers/main", {**other.provider, "api_key": one.account.key})
    admin.post(f"{one.path}/jobs/import", order())
    before = len(elsewhere.requests)
    assert admin.refused("POST", f"{other.path}/jobs/import", order()) == (404, "model_not_found", "model")
    spelt = order(model=TUNED.upper().replace("FT:", "ft:"), base_model=BASE_MODEL.upper())
    assert admin.refused("POST", f"{other.path}/jobs/import", spelt) == (404, "model_not_found", "model")
    assert len(elsewhere.requests) == before


def test_a_model_is_imported_once(admin: Admin, firm: Firm, elsewhere: Upstream) -> None:
    job = admin.post(f"{firm.path}/jobs/import", order())
    assert admin.refused("POST", f"{firm.path}/jobs/import", order()) == (409, "model_already_known", "model")
    answer = admin.ask("POST", f"{firm.path}/jobs/import", order())
    assert job["id"] in answer.json()["error"]["message"]
    assert len(admin.get(f"{firm.path}/jobs")["items"]) == 1


def test_an_idempotency_key_makes_a_repeat_harmless(admin: Admin, firm: Firm, elsewhere: Upstream) -> None:
    once = {"idempotency-key": "import 7"}
    first = admin.ask("POST", f"{firm.path}/jobs/import", order(), once)
    asked = len(elsewhere.requests)
    again = admin.ask("POST", f"{firm.path}/jobs/import", order(), once)
    assert (again.status_code, again.json()) == (201, first.json())
    assert len(elsewhere.requests) == asked, "the provider is not asked again"
    other = admin.ask("POST", f"{firm.path}/jobs/import", order(label="Autumn"), once)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("changes", "status", "code", "param"),
    [
        ({"label": None}, 422, "invalid_field", "label"),
        ({"colour": 1}, 422, "unknown_field", "colour"),
        ({"model": ""}, 422, "invalid_field", "model"),
        ({"provider": "none"}, 404, "provider_not_configured", "provider"),
        ({"model": "ft:gpt-4o-mini-2024-07-18:elsewhere::none"}, 404, "model_not_found", "model"),
        ({"model": STOCK}, 422, "invalid_field", "model"),  # a stock model
        ({"model": ".."}, 404, "model_not_found", "model"),
        ({"base_model": TUNED}, 422, "invalid_field", "base_model"),
        ({"base_model": "gpt-4.1-2025-04-14"}, 422, "invalid_field", "base_model"),  # not what the name says
    ],
)
def test_what_cannot_be_imported(
    admin: Admin, firm: Firm, elsewhere: Upstream, changes: Any, status: int, code: str, param: str
) -> None:
    assert admin.refused("POST", f"{firm.path}/jobs/import", order(**changes)) == (status, code, param)
    assert admin.get(f"{firm.path}/jobs")["items"] == []
    assert [one["action"] for one in admin.get(f"{firm.path}/audit")["items"]].count("job.import") == 0


def test_the_undated_base_is_the_base(admin: Admin, firm: Firm, elsewhere: Upstream) -> None:
    assert admin.post(f"{firm.path}/jobs/import", order(base_model="gpt-4o-mini"))["base_model"] == "gpt-4o-mini"


def test_a_kind_without_a_list_cannot_be_asked(admin: Admin) -> None:
    path = f"/tenants/{unique('bare')}"
    admin.put(path, {})
    admin.put(f"{path}/providers/main", {"kind": "bedrock", "default_model": "amazon.nova-lite-v1:0"})
    assert admin.refused("POST", f"{path}/jobs/import", order()) == (400, "endpoint_not_supported", "provider")


def test_a_caller_may_not(firm: Firm) -> None:
    with Admin(firm.admin.url, firm.key) as caller:
        assert caller.refused("POST", f"{firm.path}/jobs/import", order()) == (403, "forbidden_role", None)


def test_an_end_that_the_provider_tells_is_the_jobs(admin: Admin, firm: Firm, provider: Upstream) -> None:
    provider.script = answering({"id": TUNED, "shutdown_date": "2031-05-01"})
    job = admin.post(f"{firm.path}/jobs/import", order())
    assert job["retires_at"] == "2031-05-01T00:00:00.000Z"


def test_of_an_openai_provider_the_shipped_end_is_the_jobs(admin: Admin, firm: Firm, elsewhere: Upstream) -> None:
    admin.put(f"{firm.path}/providers/main", {**firm.provider, "kind": "openai"})
    job = admin.post(f"{firm.path}/jobs/import", order())
    assert job["retires_at"] == "2027-01-14T00:00:00.000Z"


def test_no_worker_is_needed_or_disturbed(admin: Admin, firm: Firm, elsewhere: Upstream) -> None:
    job = admin.post(f"{firm.path}/jobs/import", order())
    refreshed = admin.post(f"{firm.job_path(job)}/refresh")
    assert refreshed["status"] == "ready"
    assert admin.refused("POST", f"{firm.job_path(job)}/cancel") == (409, "job_finished", None)
    wait_until(lambda: firm.job(job)["status"] == "ready")


@pytest.mark.parametrize(
    ("kind", "listed", "certain"),
    [
        ("openai", Listed("ft:gpt-4o-mini-2024-07-18:firm::a"), True),
        ("openai", Listed("gpt-4o-mini"), False),
        ("openai_compatible", Listed("ft:small:firm::a"), True),
        ("openai_compatible", Listed("house-style", parent="llama"), True),  # as vLLM lists an adapter
        ("openai_compatible", Listed("house-style"), False),
        ("together", Listed("firm/Meta-Llama-3.1-8B-Instruct-Reference-spring-3b8ce0e2"), True),
        ("together", Listed("meta-llama/Meta-Llama-3.1-8B-Instruct-Reference"), False),
        ("fireworks", Listed("accounts/firm/models/spring"), True),
        ("fireworks", Listed("accounts/fireworks/models/llama-v3p1-8b-instruct"), False),
        ("anthropic", Listed("claude-sonnet-4-5"), False),
    ],
)
def test_what_is_certainly_somebodys_own(kind: str, listed: Listed, certain: bool) -> None:
    assert is_fine_tune(kind, listed) is certain
