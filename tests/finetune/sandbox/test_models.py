from __future__ import annotations

import openai
import pytest

from finetune.sandbox import SandboxSettings, running
from tests.finetune.sandbox.support import BASE, KEY, Trial, trial_at, until

STOCK = [
    "gpt-4o-mini",
    BASE,
    "gpt-4.1-mini",
    "gpt-4.1-mini-2025-04-14",
    "sandbox-small",
    "gpt-4o",
    "gpt-4o-2024-08-06",
    "gpt-4.1",
    "gpt-4.1-2025-04-14",
    "gpt-5-mini",
    "gpt-5-mini-2025-08-07",
]


def test_stock_models(trial: Trial) -> None:
    models = list(trial.ai.models.list())
    assert [model.id for model in models] == STOCK
    assert all(model.shutdown_date is None for model in models)
    assert trial.ai.models.retrieve("gpt-4o-mini").id == "gpt-4o-mini"
    with pytest.raises(openai.NotFoundError) as unknown:
        trial.ai.models.retrieve("gpt-99")
    assert unknown.value.code == "model_not_found"


def test_a_model_that_cannot_be_tuned(trial: Trial) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        trial.ai.fine_tuning.jobs.create(model="gpt-5-mini", training_file=trial.upload())
    assert (refused.value.code, refused.value.param) == ("model_not_available", "model")


def test_a_fine_tuned_model_is_listed_for_its_account_only(firm: tuple[Trial, str], stranger: Trial) -> None:
    trial, model = firm
    assert [one.id for one in trial.ai.models.list()] == [*STOCK, model]
    assert trial.ai.models.retrieve(model).id == model
    assert [one.id for one in stranger.ai.models.list()] == STOCK
    for attempt in (stranger.ai.models.retrieve, stranger.ai.models.delete):
        with pytest.raises(openai.NotFoundError):
            attempt(model)
    assert stranger.say(model).json()["error"]["code"] == "model_not_found"


def test_a_new_model_is_not_usable_at_once() -> None:
    settings = SandboxSettings(step_seconds=0.05, usable_after_seconds=600)
    with running(settings) as url, trial_at(url, KEY) as trial:
        job = trial.over(trial.order().id)
        assert job.status == "succeeded"
        assert job.fine_tuned_model is not None
        with pytest.raises(openai.NotFoundError) as refused:
            trial.ai.models.retrieve(job.fine_tuned_model)
        assert refused.value.code == "model_not_found"
        answer = trial.say(job.fine_tuned_model)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")
        assert [one.id for one in trial.ai.models.list()] == STOCK


def test_a_new_model_becomes_usable(trial: Trial) -> None:
    model = trial.over(trial.order().id).fine_tuned_model
    assert model is not None
    first = trial.say(model).status_code
    assert first in (200, 404)
    assert until(lambda: trial.say(model).status_code == 200)


def test_deleting(trial: Trial) -> None:
    model = trial.fine_tuned()
    assert trial.ai.models.delete(model).deleted
    assert trial.say(model).status_code == 404
    with pytest.raises(openai.PermissionDeniedError):
        trial.ai.models.delete("sandbox-small")


def test_a_model_is_shut_down_with_its_fine_tunes() -> None:
    with running(SandboxSettings(step_seconds=0)) as url, trial_at(url, KEY) as trial:
        model = trial.fine_tuned()
        assert (
            trial.http.post("/sandbox/models", json={"model": BASE, "shutdown_date": "2999-01-01"}).status_code == 200
        )
        assert trial.ai.models.retrieve(model).shutdown_date == "2999-01-01"
        assert trial.say(model).status_code == 200
        trial.http.post("/sandbox/models", json={"model": BASE, "shutdown_date": "2020-01-01"})
        assert trial.ai.models.retrieve("gpt-4o-mini").shutdown_date == "2020-01-01"
        for name in (BASE, "gpt-4o-mini", model):
            answer = trial.say(name)
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")
        with pytest.raises(openai.BadRequestError, match="not available for fine-tuning"):
            trial.ai.fine_tuning.jobs.create(model=BASE, training_file=trial.upload())
        assert trial.say("sandbox-small").status_code == 200
        trial.http.post("/sandbox/models", json={"model": BASE, "shutdown_date": None})
        assert trial.say(model).status_code == 200
        assert trial.http.post("/sandbox/models", json={"model": "x", "shutdown_date": None}).status_code == 422
        assert trial.http.post("/sandbox/models", json={"model": BASE, "shutdown_date": "soon"}).status_code == 422
