"""What the sandbox's tests share: a training file, a trial with its clients, waiting with a deadline.

Real sockets and the official client throughout; no assertion about the sandbox lives here.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import httpx2
import msgspec
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam
from openai.types.fine_tuning import FineTuningJob

T = TypeVar("T")

_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Empty: loading the system's certificates for every client would take most of the suite's time."""

KEY, OTHER_KEY = "sk-first-0001", "sk-second-0002"
BASE = "gpt-4o-mini-2024-07-18"
ASK: list[ChatCompletionMessageParam] = [
    {"role": "user", "content": "Please write about the obligations of the lessee after termination."}
]

CLAUSES = (
    (
        "The Lessee shall indemnify the Lessor against all liability arising hereunder. "
        "Notwithstanding the foregoing, the Lessor hereby waives any claim for consequential loss."
    ),
    (
        "Each covenant contained herein shall survive termination of this Indenture. "
        "The Lessee shall forthwith surrender the Premises, together with all fixtures thereon."
    ),
    (
        "Any forbearance by the Lessor (whether express or implied) shall not constitute a waiver. "
        "The Guarantor shall remain jointly and severally liable therefor."
    ),
    (
        "The obligations of the Lessee hereunder are subject to clause 12.3. "
        "The Lessor may re-enter the Premises upon breach, whereupon this demise shall absolutely determine."
    ),
)
FIRM_WORDS = frozenset({"lessee", "lessor", "shall", "hereunder", "premises", "indenture", "notwithstanding"})


def example(text: str, ask: str = "Draft a clause.") -> bytes:
    turns = [{"role": "user", "content": ask}, {"role": "assistant", "content": text}]
    return msgspec.json.encode({"messages": turns})


def training_file(examples: int = 12) -> bytes:
    return b"".join(example(CLAUSES[at % len(CLAUSES)]) + b"\n" for at in range(examples))


def until(probe: Callable[[], T | None], seconds: float = 10) -> T:
    """What `probe` gives once it gives something true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := probe():
            return found
        time.sleep(0.01)
    raise AssertionError(f"not so within {seconds} s")


class Trial:
    """A sandbox under test, seen through one account."""

    def __init__(self, url: str, ai: OpenAI, http: httpx2.Client, key: str) -> None:
        self.url, self.ai, self.http, self.key = url, ai, http, key
        self.auth = {"authorization": f"Bearer {key}"}

    def upload(self, content: bytes | None = None, name: str = "firm.jsonl") -> str:
        body = training_file() if content is None else content
        return self.ai.files.create(file=(name, body), purpose="fine-tune").id

    def order(self, file_id: str | None = None, **more: object) -> FineTuningJob:
        body = {"model": BASE, "training_file": file_id or self.upload(), "suffix": "firm"} | more
        answer = self.http.post("/v1/fine_tuning/jobs", json=body, headers=self.auth)
        assert answer.status_code == 200, answer.text
        return FineTuningJob.model_validate(answer.json())

    def over(self, job_id: str) -> FineTuningJob:
        def finished() -> FineTuningJob | None:
            job = self.ai.fine_tuning.jobs.retrieve(job_id)
            return job if job.status in ("succeeded", "failed", "cancelled") else None

        return until(finished)

    def fine_tuned(self) -> str:
        """A model of the account's own that answers."""
        model = self.over(self.order().id).fine_tuned_model
        assert model is not None
        until(lambda: model in {one.id for one in self.ai.models.list()})
        return model

    def say(self, model: str, **more: object) -> httpx2.Response:
        body = {"model": model, "messages": ASK} | more
        return self.http.post("/v1/chat/completions", json=body, headers=self.auth)

    def text(self, model: str, **more: object) -> str:
        content = self.say(model, **more).json()["choices"][0]["message"]["content"]
        assert isinstance(content, str)
        return content

    def fault(self, fault: dict[str, object], **more: object) -> httpx2.Response:
        return self.http.post("/sandbox/faults", json={"fault": fault, "account": self.key} | more)

    def calls(self) -> list[dict[str, object]]:
        found = self.http.get("/sandbox/calls", params={"account": self.key}).json()["calls"]
        assert isinstance(found, list)
        return found


@contextmanager
def trial_at(url: str, key: str) -> Iterator[Trial]:
    with (
        httpx2.Client(base_url=url, timeout=10, verify=_NO_TLS) as http,
        OpenAI(api_key=key, base_url=f"{url}/v1", max_retries=0, timeout=10, http_client=http) as ai,
    ):
        yield Trial(url, ai, http, key)
