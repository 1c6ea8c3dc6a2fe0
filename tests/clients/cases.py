"""The cases that an official client is run through, and what each must show, in the client's own line and at the
provider.

Nothing of a client goes in here but the reason why it has no such case (MISSING).

A line is what a program printed: `text` (with `pieces` where it was streamed), `data`, `models`, `vector`, `tokens` or
`headers`; or `raised`, the name of the client's own exception, with its `message`, and its `status` where it has one.
"""

from collections.abc import Mapping
from typing import NamedTuple

from tests.clients.provider import FOREIGN
from tests.clients.running import Line, ScriptedProvider, Tenant
from tests.support.processes import wait_until

WHEREAS = "Whereas the parties agree."
SUNNY = "It is sunny in Paris."
ADA = {"name": "Ada", "year": 1843}
VECTOR = [0.25, -0.5, 1.0]
EMBEDDER = "text-embedding-3-small"  # what is not rewritten arrives as asked


class Case(NamedTuple):
    """What a case must show. `words`: one of these is in the message of what is raised, whose status is `status`."""

    text: str | None = None
    pieces: int = 0  # at least so many, where it is streamed
    data: bool = False
    requests: int = 1  # that reach the provider
    raises: bool = False
    status: int | None = None
    words: tuple[str, ...] = ()
    aborted: bool = False  # the provider sees its connection closed


CASES = {
    "chat": Case(text=WHEREAS),
    "stream": Case(text=WHEREAS, pieces=4),
    "async_stream": Case(text=WHEREAS, pieces=4),
    "tools": Case(text=SUNNY, requests=2),
    "stream_tools": Case(text=SUNNY, requests=2, pieces=4),
    "structured": Case(data=True),
    "stream_structured": Case(data=True),
    "forced_tool": Case(data=True),
    "responses": Case(text=WHEREAS),
    "stream_responses": Case(text=WHEREAS, pieces=4),
    "responses_tools": Case(text=SUNNY, requests=2),
    "responses_structured": Case(data=True),
    "completions": Case(text=WHEREAS),
    "embeddings": Case(),
    "models": Case(),
    "count_tokens": Case(),
    "proxied": Case(text=WHEREAS),
    "with_raw": Case(text=WHEREAS),
    "bad_key": Case(raises=True, status=401, requests=0, words=("missing, unknown, expired or revoked",)),
    "error_401": Case(raises=True, status=401, words=("incorrect api key provided", "invalid x-api-key")),
    "error_404": Case(raises=True, status=404, words=("does not exist", "model: ")),
    "foreign_model": Case(raises=True, status=404, requests=0, words=("not this tenant's to use",)),
    "error_429": Case(raises=True, status=429, words=("rate limit",)),
    "error_500": Case(raises=True, status=500, words=("the server had an error", "internal server error")),
    "retries": Case(text=WHEREAS, requests=3),
    "timeout": Case(raises=True, aborted=True),
    "broken_stream": Case(raises=True),
}

_NO_MESSAGES = "it does not speak Anthropic's API"
_NO_PROXY_NAME = "the base URL without /v1 is litellm's habit"
_NOT_OPENAI = "it does not speak OpenAI's API"
_NO_LIST = "it does not list models"
_NO_EMBEDDINGS = "it makes no embeddings"
MISSING: dict[str, dict[str, str]] = {
    "openai-python": {"count_tokens": _NO_MESSAGES, "proxied": _NO_PROXY_NAME},
    "anthropic-python": {
        "responses": _NOT_OPENAI,
        "stream_responses": _NOT_OPENAI,
        "responses_tools": _NOT_OPENAI,
        "responses_structured": _NOT_OPENAI,
        "completions": _NOT_OPENAI,
        "embeddings": _NO_EMBEDDINGS,
        "proxied": _NO_PROXY_NAME,
    },
    "langchain-openai": {
        "completions": "its class for them is of the API's past",
        "models": _NO_LIST,
        "count_tokens": _NO_MESSAGES,
        "proxied": _NO_PROXY_NAME,
    },
    "pydantic-ai": {
        "async_stream": "all of it is asynchronous",
        "completions": "it has chat and responses alone",
        "models": _NO_LIST,
        "count_tokens": _NO_MESSAGES,
        "with_raw": "it shows no headers",
        "proxied": _NO_PROXY_NAME,
    },
    "litellm": {
        "models": "its list takes no headers, so that the provider could not tell whose it is",
        "count_tokens": "it counts for itself",
    },
    "llama-index": {
        "responses_tools": "the same code as over chat",
        "responses_structured": "the same code as over chat",
        "embeddings": "a package of its own makes them",
        "models": _NO_LIST,
        "count_tokens": _NO_MESSAGES,
        "with_raw": "it shows no headers",
        "proxied": _NO_PROXY_NAME,
    },
    "instructor": {
        "tools": "its tools are the shapes of its answers: see forced_tool",
        "stream_tools": "its tools are the shapes of its answers: see stream_structured",
        "responses": "over responses it has answers of a shape alone",
        "stream_responses": "over responses it has answers of a shape alone",
        "responses_tools": "its tools are the shapes of its answers",
        "completions": "an answer of a shape needs chat",
        "embeddings": _NO_EMBEDDINGS,
        "models": _NO_LIST,
        "count_tokens": _NO_MESSAGES,
        "with_raw": "it shows no headers",
        "proxied": _NO_PROXY_NAME,
    },
    "openai-node": {
        "async_stream": "all of it is asynchronous",
        "forced_tool": "the tools cases have its code",
        "responses": "chat's cases run again by Responses",
        "stream_responses": "chat's cases run again by Responses",
        "responses_tools": "chat's cases run again by Responses",
        "responses_structured": "chat's cases run again by Responses",
        "count_tokens": _NO_MESSAGES,
        "proxied": _NO_PROXY_NAME,
    },
    "anthropic-node": {
        "async_stream": "all of it is asynchronous",
        "responses": _NOT_OPENAI,
        "stream_responses": _NOT_OPENAI,
        "responses_tools": _NOT_OPENAI,
        "responses_structured": _NOT_OPENAI,
        "completions": _NOT_OPENAI,
        "embeddings": _NO_EMBEDDINGS,
        "proxied": _NO_PROXY_NAME,
    },
    "vercel-ai": {
        "async_stream": "all of it is asynchronous",
        "forced_tool": "not written",
        "responses": "chat's cases run again with openai()",
        "stream_responses": "chat's cases run again with openai()",
        "responses_tools": "chat's cases run again with openai()",
        "responses_structured": "chat's cases run again with openai()",
        "completions": "not written",
        "models": _NO_LIST,
        "count_tokens": "not written",
        "proxied": _NO_PROXY_NAME,
    },
}


def of(client: str) -> list[str]:
    """A client's cases."""
    return [case for case in CASES if case not in MISSING[client]]


def check(
    client: str, case: str, line: Line, provider: ScriptedProvider, tenant: Tenant, errors: Mapping[str, str]
) -> None:
    """What a client told of a case, and what the provider saw under `<client>/<case>`. `errors`: the name of the
    client's own exception for each case that raises."""
    wanted = CASES[case]
    if wanted.raises:
        _check_raised(wanted, line, errors[case])
    else:
        _check_told(case, wanted, line, tenant)
    tag = f"{client}/{case}"
    if wanted.aborted:
        wait_until(lambda: all(call["aborted"] for call in provider.seen(tag)), what="the end of the provider's call")
    seen = provider.seen(tag)
    assert len(seen) == wanted.requests, seen
    asked = {"models": None, "embeddings": EMBEDDER}.get(case, tenant.served)
    assert [call["model"] for call in seen] == [asked] * len(seen)
    assert {call["credential"] for call in seen} <= {tenant.credential}


def _check_raised(wanted: Case, line: Line, name: str) -> None:
    assert line.get("raised") == name, line
    if wanted.status is not None and line.get("status") is not None:
        assert line["status"] == wanted.status
    if wanted.words:
        assert any(words in line["message"].lower() for words in wanted.words), line


def _check_told(case: str, wanted: Case, line: Line, tenant: Tenant) -> None:
    assert "raised" not in line, line
    if wanted.text is not None:
        assert line["text"] == wanted.text
        assert line.get("pieces", 0) >= wanted.pieces
    if wanted.data:
        assert line["data"] == ADA
    if case == "embeddings":
        assert line["vector"] == VECTOR
    if case == "count_tokens":
        assert line["tokens"] == 7
    if case == "models":
        assert tenant.served in line["models"]
        assert FOREIGN not in line["models"]
    if case == "with_raw":
        tuned = tenant.served != tenant.model
        assert line["headers"]["x-call-id"]
        assert line["headers"]["x-fine-tuned"] == ("true" if tuned else "false")
        assert line["headers"]["x-model-reason"] == ("active_job" if tuned else "no_active_job")
