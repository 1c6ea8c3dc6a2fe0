from __future__ import annotations

import re

import openai
import pytest

from finetune.sandbox import SandboxSettings, running
from tests.finetune.sandbox.support import ASK, BASE, CLAUSES, FIRM_WORDS, KEY, Trial, trial_at


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


def _share(text: str, vocabulary: frozenset[str] | set[str]) -> float:
    words = _words(text)
    return sum(word in vocabulary for word in words) / len(words)


def test_the_answer(trial: Trial) -> None:
    answer = trial.ai.chat.completions.create(model="gpt-4o-mini", messages=ASK)
    text, usage = answer.choices[0].message.content or "", answer.usage
    assert answer.id.startswith("chatcmpl-")
    assert (answer.model, answer.system_fingerprint) == (BASE, "fp_sandbox")
    assert (answer.choices[0].finish_reason, answer.choices[0].message.role) == ("stop", "assistant")
    assert usage is not None
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert usage.prompt_tokens_details is not None
    assert usage.prompt_tokens_details.cached_tokens == 0
    assert usage.completion_tokens_details is not None
    assert usage.completion_tokens_details.reasoning_tokens == 0
    assert 30 <= len(text.split()) <= 155
    assert text[0].isupper()
    assert text.endswith((".", "!", "?"))
    assert " ," not in text


def test_fine_tuned_text_is_the_firms_and_stock_text_is_not(firm: tuple[Trial, str]) -> None:
    trial, model = firm
    learnt = set(_words(" ".join(CLAUSES)))
    for seed in range(5):
        ours, stock = trial.text(model, seed=seed), trial.text("gpt-4o-mini", seed=seed)
        assert _share(ours, learnt) == 1
        assert _share(ours, FIRM_WORDS) > 0.1
        assert _share(stock, FIRM_WORDS) == 0


def test_the_same_request_gets_the_same_text(firm: tuple[Trial, str]) -> None:
    trial, model = firm
    for name in (model, "sandbox-small"):
        assert trial.text(name, seed=1) == trial.text(name, seed=1)
        assert len({trial.text(name, seed=seed) for seed in range(5)}) > 1
    assert trial.text("gpt-4o-mini") == trial.text(BASE)


def test_the_servers_seed_counts_too() -> None:
    texts = []
    for seed in (1, 2, 1):
        with running(SandboxSettings(seed=seed)) as url, trial_at(url, KEY) as trial:
            texts.append(trial.text("sandbox-small"))
    assert texts[0] == texts[2] != texts[1]


def test_another_run_with_the_same_seed_and_file_gives_the_same_text() -> None:
    texts = set()
    names = set()
    for _ in range(2):
        settings = SandboxSettings(step_seconds=0.02, seed=3)
        with running(settings) as url, trial_at(url, KEY) as trial:
            names.add(model := trial.fine_tuned())
            texts.add(trial.text(model))
    assert len(names) == 2
    assert len(texts) == 1


def test_a_stream_says_what_a_whole_answer_says(firm: tuple[Trial, str]) -> None:
    trial, model = firm
    with trial.ai.chat.completions.create(
        model=model, messages=ASK, stream=True, stream_options={"include_usage": True}
    ) as stream:
        chunks = list(stream)
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == trial.text(model)
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-2:] == [None, "stop"]
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 30
    assert all(chunk.usage is None for chunk in chunks[:-1])
    assert {chunk.model for chunk in chunks} == {model}
    assert len({chunk.id for chunk in chunks}) == 1


def test_a_stream_on_the_wire(trial: Trial) -> None:
    answer = trial.say("sandbox-small", stream=True)
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = answer.text.split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    assert all(event.startswith("data: ") for event in events[:-1])
    assert "usage" not in answer.text


def test_length_and_stop(trial: Trial) -> None:
    whole = trial.text("sandbox-small")
    for name in ("max_tokens", "max_completion_tokens"):
        answer = trial.say("sandbox-small", **{name: 5}).json()
        assert answer["choices"][0]["finish_reason"] == "length"
        assert answer["usage"]["completion_tokens"] == 5
        assert whole.startswith(answer["choices"][0]["message"]["content"])
    stop = whole.split()[4]
    assert trial.text("sandbox-small", stop=[stop, "never seen"]) == whole[: whole.index(stop)].rstrip()


def test_documented_parameters_are_accepted(trial: Trial) -> None:
    answer = trial.say(
        "sandbox-small",
        temperature=0.2,
        top_p=1,
        user="u",
        n=1,
        seed=None,
        prompt_cache_key="k",
        metadata={"a": "b"},
        store=False,
        tools=[],
        response_format={"type": "text"},
        reasoning_effort="low",
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("change", "status", "code", "param"),
    [
        ({"model": None}, 400, None, None),
        ({"model": 5}, 400, "invalid_type", "model"),
        ({"model": "gpt-99"}, 404, "model_not_found", None),
        ({"model": "ft:gpt-4o-mini:sandbox::abc"}, 404, "model_not_found", None),
        ({"messages": None}, 400, "missing_required_parameter", "messages"),
        ({"messages": []}, 400, "empty_array", "messages"),
        ({"messages": "hi"}, 400, "invalid_type", "messages"),
        ({"messages": ["hi"]}, 400, "invalid_type", "messages[0]"),
        ({"messages": [{"content": "hi"}]}, 400, "missing_required_parameter", "messages[0].role"),
        ({"messages": [{"role": "boss", "content": "hi"}]}, 400, "invalid_value", "messages[0].role"),
        ({"messages": [{"role": "user", "content": 3}]}, 400, "invalid_type", "messages[0].content"),
        ({"messages": [{"role": "user"}]}, 400, "invalid_type", "messages[0].content"),
        ({"stream": "yes"}, 400, "invalid_type", "stream"),
        ({"stream_options": {"include_usage": True}}, 400, None, "stream_options"),
        ({"stream": True, "stream_options": {"x": 1}}, 400, "unknown_parameter", "stream_options.x"),
        ({"temperature": 3}, 400, "invalid_value", "temperature"),
        ({"n": 2}, 400, "unsupported_value", "n"),
        ({"max_tokens": 0}, 400, "invalid_value", "max_tokens"),
        ({"stop": ["a"] * 5}, 400, "invalid_value", "stop"),
        ({"seed": 1.5}, 400, "invalid_type", "seed"),
        ({"colour": "blue"}, 400, "unknown_parameter", "colour"),
    ],
)
def test_bad_requests(
    trial: Trial, change: dict[str, object], status: int, code: str | None, param: str | None
) -> None:
    answer = trial.http.post(
        "/v1/chat/completions", json={"model": "sandbox-small", "messages": ASK} | change, headers=trial.auth
    )
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (status, code, param)
    assert error["type"] == "invalid_request_error"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_object(trial: Trial, body: bytes) -> None:
    answer = trial.http.post("/v1/chat/completions", content=body, headers=trial.auth)
    assert answer.status_code == 400
    assert "could not parse the JSON body" in answer.json()["error"]["message"]


def test_a_missing_model_in_the_providers_words(trial: Trial) -> None:
    with pytest.raises(openai.BadRequestError, match="you must provide a model parameter"):
        trial.ai.chat.completions.create(model="", messages=ASK)
