"""The provider's manners on every route: keys, unknown URLs, headers, and what the SDK makes of errors."""

from __future__ import annotations

import openai
import pytest

from finetune.sandbox.errors import ApiError, Refusal
from tests.finetune.sandbox.support import ASK, Trial, trial_at


@pytest.mark.parametrize("key", ["pk-abc", "hs_something-else", "wrong"])
def test_wrong_keys(url: str, key: str) -> None:
    with trial_at(url, key) as trial, pytest.raises(openai.AuthenticationError) as refused:
        trial.ai.models.list()
    assert refused.value.code == "invalid_api_key"
    assert key not in str(refused.value)


def test_a_wrong_keys_hint(url: str) -> None:
    with trial_at(url, "pk-abcdefgh") as trial, pytest.raises(openai.AuthenticationError) as refused:
        trial.ai.models.list()
    assert "Incorrect API key provided: pk-ab***gh." in str(refused.value)


@pytest.mark.parametrize("path", ["/v1/models", "/v1/files", "/v1/fine_tuning/jobs"])
def test_no_key(trial: Trial, path: str) -> None:
    for headers in ({}, {"authorization": "Basic abc"}, {"authorization": "Bearer"}):
        answer = trial.http.get(path, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")


def test_unknown_urls_and_methods(trial: Trial) -> None:
    answer = trial.http.post("/v1/foo", headers=trial.auth)
    assert answer.status_code == 404
    assert answer.json() == {
        "error": {
            "message": "Invalid URL (POST /v1/foo)",
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        }
    }
    with pytest.raises(openai.NotFoundError, match="Invalid URL"):
        trial.ai.embeddings.create(model="sandbox-small", input="x")
    wrong = trial.http.put("/v1/models", headers=trial.auth)
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, "method_not_supported")


def test_headers_on_every_answer(trial: Trial) -> None:
    answers = [
        trial.http.get("/v1/models", headers=trial.auth),
        trial.http.get("/v1/models"),
        trial.http.get("/v1/foo"),
        trial.say("sandbox-small", stream=True),
    ]
    trial.fault({"kind": "error_before"})
    answers.append(trial.say("sandbox-small"))
    assert answers[-1].status_code == 500
    for answer in answers:
        assert answer.headers["x-request-id"].startswith("req_")
        assert answer.headers["openai-processing-ms"].isdigit()
        assert answer.headers["openai-organization"] == "sandbox"
    assert len({answer.headers["x-request-id"] for answer in answers}) == len(answers)


def test_health(trial: Trial) -> None:
    assert trial.http.get("/healthz").json() == {"status": "ok"}
    assert trial.http.head("/healthz").status_code == 200


async def test_the_async_client_too(url: str) -> None:
    async with openai.AsyncOpenAI(api_key="sk-async-0001", base_url=f"{url}/v1", max_retries=0) as ai:
        stream = await ai.chat.completions.create(model="sandbox-small", messages=ASK, stream=True)
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
        assert text.endswith(".")
        with pytest.raises(openai.NotFoundError):
            await ai.fine_tuning.jobs.retrieve("ftjob-unknown")


@pytest.mark.parametrize("refusal", Refusal)
def test_every_row_can_be_said(refusal: Refusal) -> None:
    names = "hint method path limit model date param expected got reason id purpose job status seconds"
    error = ApiError(refusal, headers=None, **dict.fromkeys(names.split(), "x"))
    assert "{" not in str(error.body["error"]["message"])
    assert error.body["error"].keys() == {"message", "type", "param", "code"}
