"""A firm as the walkthrough sees it: its admin, its Assistant, and what the provider received from it."""

import itertools
import json
import os
from pathlib import Path
from typing import Any

import httpx2
import openai
from openai.types.chat import ChatCompletion

from tests.support.processes import ADMIN_KEY, wait_until

MODEL = "gpt-4o-mini"
BASE_MODEL = "gpt-4o-mini-2024-07-18"
DEMO_VAULTS = Path(__file__).parents[2] / "gateway" / "demo" / "vaults"
_COUNTER = itertools.count(1)


class Admin:
    """The admin API with one key. `ask` gives the answer's JSON and insists on success."""

    def __init__(self, gateway: str, key: str = ADMIN_KEY) -> None:
        self.http = httpx2.Client(
            base_url=f"{gateway}/admin/api",
            headers={"authorization": f"Bearer {key}"},
            timeout=30,
        )

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One call that must succeed."""
        response = self.http.request(method, path, json=body) if body is not None else self.http.request(method, path)
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
        return response.json() if response.content else None


class Firm:
    """A firm with a provider account of its own, a caller key and a Vault."""

    def __init__(self, gateway: str, sandbox: str, vault: Path) -> None:
        self.name = f"firm-{os.getpid()}-{next(_COUNTER)}"
        self.provider_key = f"sk-{self.name}-{os.urandom(6).hex()}"
        self.sandbox = sandbox
        self.path = f"/tenants/{self.name}"
        self.gateway = gateway
        self.admin = Admin(gateway)
        self.admin.ask("PUT", self.path, {"name": self.name})
        self.admin.ask("PUT", f"{self.path}/providers/main", self.provider())
        self.key: str = self.admin.ask("POST", f"{self.path}/keys", {"role": "caller", "label": "Assistant"})["key"]
        self.admin.ask("PUT", f"{self.path}/vault", {"url": vault.as_uri()})
        self.assistant = openai.OpenAI(base_url=f"{gateway}/v1", api_key=self.key, max_retries=0)

    def move_to(self, gateway: str) -> None:
        """Goes on at a gateway that was started again; nothing about the firm changes."""
        self.close()
        self.gateway = gateway
        self.admin = Admin(gateway)
        self.assistant = openai.OpenAI(base_url=f"{gateway}/v1", api_key=self.key, max_retries=0)

    def close(self) -> None:
        """Closes its clients."""
        self.assistant.close()
        self.admin.http.close()

    def provider(self) -> dict[str, Any]:
        """Its provider, as its admin enters it."""
        return {
            "kind": "openai_compatible",
            "base_url": f"{self.sandbox}/v1",
            "api_key": self.provider_key,
            "default_model": MODEL,
        }

    def call(self, text: str = "Draft a clause on notices.", **more: Any) -> tuple[ChatCompletion, dict[str, str]]:
        """A call of the Assistant's: the answer, and the response's headers."""
        raw = self.assistant.chat.completions.with_raw_response.create(
            model=more.pop("model", MODEL),
            messages=[{"role": "user", "content": text}],
            **more,
        )
        return raw.parse(), dict(raw.headers)

    def why(self, call_id: str) -> Any:
        """The Why record of a call."""
        return self.admin.ask("GET", f"{self.path}/why/{call_id}")

    def start_job(self, **more: Any) -> Any:
        """A fine-tune job."""
        order = {"label": "Spring", "backend": "openai", "base_model": BASE_MODEL, **more}
        return self.admin.ask("POST", f"{self.path}/jobs", order)

    def job(self, job_id: str) -> Any:
        """The job as it is now."""
        return self.admin.ask("GET", f"{self.path}/jobs/{job_id}")

    def finished(self, job_id: str, seconds: float = 60) -> Any:
        """The job once it is over."""
        wait_until(
            lambda: self.job(job_id)["status"] in ("ready", "failed", "cancelled"),
            seconds,
            f"the end of {job_id}",
        )
        return self.job(job_id)

    def ready_job(self) -> Any:
        """A job that became ready."""
        job = self.finished(self.start_job()["id"])
        assert job["status"] == "ready", job
        return job

    def activate(self, job_id: str, **more: Any) -> Any:
        """The Activation of a job."""
        return self.admin.ask("POST", f"{self.path}/jobs/{job_id}/activate", more)

    def use_stock(self) -> Any:
        """The Activation of the stock model."""
        return self.admin.ask("POST", f"{self.path}/stock", {})

    def received(self, path: str = "/v1/chat/completions") -> list[dict[str, Any]]:
        """What the provider received under this firm's credential, in order: the judge of every test."""
        calls = httpx2.get(f"{self.sandbox}/sandbox/calls", params={"account": self.provider_key}).json()["calls"]
        return [call for call in calls if call["path"] == path]

    def provider_jobs(self) -> list[dict[str, Any]]:
        """The jobs that were made in this firm's account."""
        jobs = httpx2.get(f"{self.sandbox}/sandbox/jobs").json()["jobs"]
        return [job for job in jobs if job["account_hint"].endswith(self.provider_key[-4:])]


def texts(vault: Path) -> list[str]:
    """The texts of a Vault's ready chunks."""
    chunks = [json.loads(line) for line in vault.read_text().splitlines()]
    return [chunk["text"] for chunk in chunks if chunk["status"] == "ready"]
