"""Chapter 3. An admin activates the model; from then on it answers; one more call, and the stock model does again."""

import threading
from collections.abc import Callable

import openai
import pytest

from tests.support.admin import STOCK
from tests.support.firms import Firm
from tests.support.otlp import Collector, attributes
from tests.walkthrough.conftest import BRIGHTWATER


def test_exactly_between_activation_and_stock(firm: Firm) -> None:
    job = firm.ready_job()
    firm.call()
    before = len(firm.received())
    activation = firm.activate(job)
    for _ in range(5):
        firm.call()
    between = len(firm.received())
    stock = firm.use_stock()
    firm.call()
    models = [call["model"] for call in firm.received()]
    assert models[:before] == [STOCK] * before
    assert models[before:between] == [job["fine_tuned_model"]] * 5
    assert models[between:] == [STOCK]

    assert (activation["active_job"], activation["model"]) == (job["id"], job["fine_tuned_model"])
    assert activation["acknowledged"] == activation["replicas"] == 1
    assert activation["durable"] is True
    assert (stock["active_job"], stock["model"], stock["deactivated"]) == (None, None, [job["id"]])
    assert firm.job(job)["status"] == "ready", "nothing is deleted"


def test_a_call_after_the_answer_obeys_it_under_load(firm: Firm) -> None:
    """While others call without pause, each flip holds for the very next call, and for all that begin after it."""
    job = firm.ready_job()
    done = threading.Event()
    failed: list[Exception] = []

    def keep_calling() -> None:
        with firm.new_assistant() as client:
            while not done.is_set():
                try:
                    client.chat.completions.create(model=STOCK, messages=[{"role": "user", "content": "rent"}])
                except openai.OpenAIError as error:
                    failed.append(error)
                    return

    callers = [threading.Thread(target=keep_calling) for _ in range(4)]
    for caller in callers:
        caller.start()
    try:
        for _ in range(10):
            firm.activate(job)
            assert firm.call()[0].model == job["fine_tuned_model"]
            firm.use_stock()
            assert firm.call()[0].model != job["fine_tuned_model"]
    finally:
        done.set()
        for caller in callers:
            caller.join()
    assert not failed


def test_the_span_says_fine_tuned(firm: Firm, collector: Collector) -> None:
    job = firm.ready_job()
    activation = firm.activate(job)
    answer, headers = firm.call()
    assert headers["x-fine-tuned"] == "true"
    assert headers["x-model-reason"] == "active_job"
    (span,) = collector.of_call(headers["x-call-id"])
    said = attributes(span)
    assert said["fine_tuned"] is True
    assert said["housestyle.reason"] == "active_job"
    assert said["housestyle.job_id"] == job["id"]
    assert said["housestyle.tenant"] == firm.name
    assert said["housestyle.requested_model"] == STOCK
    assert said["housestyle.revision"] == activation["revision"]
    assert said["gen_ai.request.model"] == said["gen_ai.response.model"] == job["fine_tuned_model"]
    assert span.name == f"chat {job['fine_tuned_model']}"
    record = firm.why(headers["x-call-id"])
    assert (record["fine_tuned"], record["reason"], record["job_id"]) == (True, "active_job", job["id"])
    assert record["served_model"] == answer.model


def test_one_call_may_opt_out_and_another_model_may_be_asked_for(firm: Firm) -> None:
    job = firm.ready_job()
    firm.activate(job)
    reasons = {
        "opted_out": firm.call(extra_headers={"X-Model-Policy": "stock"}),
        "model_not_default": firm.call(model="gpt-4.1-mini"),
        "pinned_fine_tune": firm.call(model=job["fine_tuned_model"]),
    }
    for reason, (_, headers) in reasons.items():
        assert headers["x-model-reason"] == reason
    sent = [call["model"] for call in firm.received()]
    assert sent == [STOCK, "gpt-4.1-mini", job["fine_tuned_model"]]


def test_only_a_ready_job_can_be_activated(firm: Firm) -> None:
    job = firm.finished(firm.start_job(backend="anthropic"))
    assert firm.admin.refused("POST", f"{firm.job_path(job)}/activate", {}) == (409, "job_not_ready", None)


def test_activating_another_job_deactivates_the_first(firm: Firm) -> None:
    first, second = firm.ready_job(), firm.ready_job()
    firm.activate(first)
    assert firm.activate(second)["deactivated"] == [first["id"]]
    assert [firm.job(job)["is_active"] for job in (first, second)] == [False, True]
    tenant = firm.admin.get(firm.path)
    assert (tenant["active_job"], tenant["model"]) == (second["id"], second["fine_tuned_model"])


def test_a_share_of_the_runs(firm: Firm) -> None:
    job = firm.ready_job()
    firm.activate(job, share=0.5)
    arms: dict[str, set[str]] = {}
    for run in [f"run-{number}" for number in range(24)] * 2:
        _, headers = firm.call(extra_headers={"X-Workflow-Run-Id": run})
        arms.setdefault(run, set()).add(headers["x-model-reason"])
    assert all(len(reasons) == 1 for reasons in arms.values()), "a run stays in its arm"
    assert {reason for reasons in arms.values() for reason in reasons} == {"active_job", "stock_arm"}


def test_a_model_that_the_provider_lost_falls_back_to_stock(firm: Firm, collector: Collector) -> None:
    job = firm.ready_job()
    firm.activate(job)
    firm.account.ask("DELETE", f"/v1/models/{job['fine_tuned_model']}")
    answer, headers = firm.call()
    assert answer.model != job["fine_tuned_model"]
    assert (headers["x-fine-tuned"], headers["x-model-reason"]) == ("false", "fallback_stock")
    refused, answered = (attributes(span) for span in collector.of_call(headers["x-call-id"], 2))
    assert (refused["fine_tuned"], refused["housestyle.reason"]) == (True, "active_job")
    assert refused["error.type"] == "model_not_found"
    assert (answered["fine_tuned"], answered["housestyle.reason"]) == (False, "fallback_stock")
    firm.call()
    models = [call["model"] for call in firm.received()]
    assert models == [job["fine_tuned_model"], STOCK, STOCK], "the refusal is remembered"


def test_no_firm_reaches_anothers_model(new_firm: Callable[..., Firm]) -> None:
    one, other = new_firm(), new_firm(BRIGHTWATER)
    job = one.ready_job()
    before = len(other.received())
    with pytest.raises(openai.NotFoundError) as refused:
        other.call(model=job["fine_tuned_model"])
    assert refused.value.code == "model_not_found"
    assert len(other.received()) == before, "the provider was not even asked"
    assert job["fine_tuned_model"] in [model.id for model in one.assistant.models.list()]
    assert job["fine_tuned_model"] not in [model.id for model in other.assistant.models.list()]
    with pytest.raises(openai.NotFoundError):
        other.assistant.models.retrieve(job["fine_tuned_model"])
