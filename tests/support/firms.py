"""A firm: a tenant with its provider's account, a caller's key and a Vault; its admin, and its Assistant."""

import asyncio
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx2
import openai
from openai.types.chat import ChatCompletion

from tests.support.admin import BASE_MODEL, NO_TLS, STOCK, Admin, unique
from tests.support.sandbox import Account


class Firm:
    """A tenant that is ready for calls, and for jobs where it has a Vault. `provider` is a URL without its `/v1`;
    `tenant` its name, by default one that no other test has; `gateway` where calls go to, unless where the admin is."""

    def __init__(
        self,
        admin: Admin,
        provider: str,
        *,
        tenant: str | None = None,
        vault: Path | None = None,
        gateway: str | None = None,
        **settings: Any,
    ) -> None:
        self.admin = admin
        self.gateway = gateway or admin.url
        self.name = tenant or unique("firm")
        self.path = f"/tenants/{self.name}"
        self.account = Account(provider, f"sk-{self.name}")
        self.provider = {
            "kind": "openai_compatible",
            "base_url": self.account.base_url,
            "api_key": self.account.key,
            "default_model": STOCK,
        }
        admin.put(self.path, settings)
        admin.put(f"{self.path}/providers/main", self.provider)
        self.key: str = admin.post(f"{self.path}/keys", {"role": "caller", "label": "Assistant"})["key"]
        self.auth = {"authorization": f"Bearer {self.key}"}
        if vault is not None:
            admin.put(f"{self.path}/vault", {"url": vault.as_uri()})

    # its calls

    @cached_property
    def assistant(self) -> openai.OpenAI:
        """The firm's Assistant: the provider's own SDK with another `base_url`."""
        return self.new_assistant()

    def new_assistant(self) -> openai.OpenAI:
        """One more of them, to be closed by whoever asked for it."""
        http = httpx2.Client(verify=NO_TLS)
        return openai.OpenAI(base_url=f"{self.gateway}/v1", api_key=self.key, max_retries=0, http_client=http)

    def call(self, text: str = "Draft a clause on notices.", **more: Any) -> tuple[ChatCompletion, dict[str, str]]:
        """A call of the Assistant's: the answer, and the response's headers."""
        raw = self.assistant.chat.completions.with_raw_response.create(
            model=more.pop("model", STOCK),
            messages=[{"role": "user", "content": text}],
            **more,
        )
        return raw.parse(), dict(raw.headers)

    def say(self, model: str = STOCK, headers: dict[str, str] | None = None, **more: Any) -> httpx2.Response:
        """The same without an SDK: the response, whatever it is."""
        body = {"model": model, "messages": [{"role": "user", "content": "Write a clause."}], **more}
        return httpx2.post(
            f"{self.gateway}/v1/chat/completions",
            json=body,
            headers={**self.auth, **(headers or {})},
            timeout=30,
            verify=NO_TLS,
        )

    def received(self, path: str = "/v1/chat/completions") -> list[Any]:
        """What the provider received under this firm's credential, in order: the judge of every test."""
        return self.account.calls(path=path)

    def why(self, call_id: str) -> Any:
        """The Why record of a call."""
        return self.admin.get(f"{self.path}/why/{call_id}")

    async def recorded(self, call_id: str) -> Any:
        """The same, once the call is settled: a cancelled one may settle after its caller has gone."""
        async with asyncio.timeout(10):
            while True:
                answer = self.admin.ask("GET", f"{self.path}/why/{call_id}")
                if answer.status_code == 200:
                    return answer.json()
                await asyncio.sleep(0.02)

    # its jobs

    def start_job(self, **more: Any) -> Any:
        """A new fine-tune job."""
        order = {"label": "Spring", "backend": "openai", "base_model": BASE_MODEL, **more}
        return self.admin.post(f"{self.path}/jobs", order)

    def job_path(self, job: Any) -> str:
        """Where a job is."""
        return f"{self.path}/jobs/{job['id']}"

    def job(self, job: Any) -> Any:
        """The job as it is now."""
        return self.admin.get(self.job_path(job))

    def finished(self, job: Any, seconds: float = 60) -> Any:
        """The job once it is over."""
        return self.admin.job(self.job_path(job), seconds=seconds)

    def ready_job(self, **more: Any) -> Any:
        """A new job, once it is ready."""
        job = self.finished(self.start_job(**more))
        assert job["status"] == "ready", job
        return job

    def activate(self, job: Any, **more: Any) -> Any:
        """The Activation of a job."""
        return self.admin.post(f"{self.job_path(job)}/activate", more)

    def use_stock(self) -> Any:
        """The Activation of the stock model."""
        return self.admin.post(f"{self.path}/stock")

    # its gateway

    def move_to(self, admin: Admin) -> None:
        """Goes on at a gateway that was started again; nothing about the firm changes."""
        self.close()
        self.admin = admin
        self.gateway = admin.url

    def close(self) -> None:
        """Closes what it opened."""
        if "assistant" in self.__dict__:
            self.assistant.close()
            del self.assistant
