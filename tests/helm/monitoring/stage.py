"""What dashboard and rules are tried on: two gateways and a job worker on one Redis, a provider that does what it is
told, and a Prometheus that scrapes. Every kind of call and of change is made: no metric is silent.
"""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import msgspec

from gateway.store.embedded import EmbeddedRedis
from tests.support.admin import BASE_MODEL, NO_TLS, STOCK, Admin
from tests.support.firms import Firm
from tests.support.processes import running, shared_environ, wait_until
from tests.support.prometheus import Prometheus, scraping
from tests.support.servers import in_thread
from tests.support.upstream import Peer, Received, completion, upstream
from tests.support.vaults import write_vault

ROOT = Path(__file__).parents[3]
RULES = ROOT / "helm" / "rules" / "housestyle.yaml"
LABELS = {"namespace": "legal", "job": "housestyle"}
_TUNED = f"ft:{BASE_MODEL}:acme:spring:abc123"
_REFUSED = f"ft:{BASE_MODEL}:bard:spring:def456"
_ENDS = (datetime.now(UTC) + timedelta(days=5)).date().isoformat()
_MODELS = [{"id": id_, "object": "model", "shutdown_date": _ENDS} for id_ in (_TUNED, _REFUSED)]
_FAIL, _HANG = "Fail.", "Begin, and say nothing more."


class Stage:
    """All of it, with three firms. `a` is the replica that is called and changed, `b` one beside it. `at` is when
    everything had been seen, in seconds since the epoch."""

    def __init__(self, a: Admin, b: Admin, prometheus: Prometheus, provider: str, vault: Path) -> None:
        self.a, self.b, self.prometheus = a, b, prometheus
        self.tuned, self.refused, self.plain = (Firm(a, provider, vault=vault) for _ in range(3))
        self.jobs: list[Any] = []
        for firm, model in ((self.tuned, _TUNED), (self.refused, _REFUSED)):
            order = {"label": "Spring", "provider": "main", "model": model, "base_model": BASE_MODEL}
            self.jobs.append(a.post(f"{firm.path}/jobs/import", order))
            firm.activate(self.jobs[-1])
        self.at = 0.0

    def exposition(self) -> str:
        """What the first gateway serves on `/metrics` now."""
        return httpx2.get(f"{self.a.url}/metrics", verify=NO_TLS).text

    def make_metrics_speak(self) -> None:
        """Two rounds of everything, each seen by Prometheus: a rate is of what grew between two scrapes."""
        self.plain.start_job()  # fails at its upload
        self._wait_for_both('housestyle_jobs{status="failed"}')
        self._wait_for_both("housestyle_model_retires_days")
        for share in (0.999_999, 1):
            self._everything(share)
        wait_until(lambda: bool(self.prometheus.ask('ALERTS{alertstate="firing"}')), what="an alert")
        self.at = time.time()

    def _everything(self, share: float) -> None:
        before = self._calls()
        for firm in (self.tuned, self.plain):
            assert firm.say().status_code == 200
            assert firm.say(stream=True).status_code == 200
            assert firm.say(messages=[{"role": "user", "content": _FAIL}]).status_code == 503
        assert self.tuned.say(_TUNED).headers["x-model-reason"] == "pinned_fine_tune"
        assert self.plain.say(_TUNED).headers["x-model-reason"] == "foreign_fine_tune"
        assert self.tuned.say(headers={"x-model-policy": "stock"}).headers["x-model-reason"] == "opted_out"
        assert self.refused.say().headers["x-model-reason"] == "fallback_stock"
        assert self.plain.say(headers={"authorization": "Bearer hs_nobody"}).status_code == 401
        self._leave()
        self.tuned.activate(self.jobs[0], share=share)
        wait_until(lambda: self._calls() >= before + 11, what="a scrape of it")

    def _leave(self) -> None:
        """Begins to read a stream, and goes."""
        body = {"model": STOCK, "stream": True, "messages": [{"role": "user", "content": _HANG}]}
        url = f"{self.a.url}/v1/chat/completions"
        with httpx2.stream("POST", url, json=body, headers=self.plain.auth, verify=NO_TLS, timeout=30) as answer:
            next(answer.iter_bytes())

    def _calls(self) -> float:
        return self.prometheus.number("sum(housestyle_calls_total) or vector(0)")

    def _wait_for_both(self, selector: str) -> None:
        """They read such figures from the store each in their own time."""
        told_by = f"count(count by (instance) ({selector}))"
        wait_until(lambda: self.prometheus.number(told_by) == 2, 60, f"{selector} at both replicas")


@contextlib.contextmanager
def staged(folder: Path) -> Iterator[Stage]:
    """The stage, its metrics speaking. Raises debian.Missing."""
    with contextlib.ExitStack() as stack:
        redis = stack.enter_context(EmbeddedRedis(folder / "redis", os.environ))
        provider = stack.enter_context(in_thread(upstream(_answer)))
        environ = _environ(folder, redis.url)
        gateways = [
            stack.enter_context(running(["serve", "--port", "0"], environ, folder / f"{name}.log")) for name in "ab"
        ]
        urls = [gateway.url for gateway in gateways]
        prometheus = stack.enter_context(scraping(folder / "prometheus", urls, LABELS, [RULES]))
        a, b = (stack.enter_context(Admin(url)) for url in urls)
        vault = write_vault(folder / "vaults" / "orchard.jsonl", 20)
        stage = Stage(a, b, prometheus, provider.url, vault)
        # Only now, so that its first daily round finds the jobs whose models are retired.
        stack.enter_context(_worker(environ, folder / "worker.log"))
        stage.make_metrics_speak()
        yield stage


def _environ(folder: Path, redis_url: str) -> dict[str, str]:
    return shared_environ(redis_url, folder, HOUSESTYLE_VAULT_ROOTS=(folder / "vaults").as_uri() + "/")


@contextlib.contextmanager
def _worker(environ: dict[str, str], log: Path) -> Iterator[None]:
    with log.open("wb") as errors:
        command = [sys.executable, "-m", "gateway", "worker"]
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("HOUSESTYLE_", "OTEL_"))}
        with subprocess.Popen(command, env={**clean, **environ}, stdout=errors, stderr=errors) as process:
            try:
                yield
            finally:
                process.terminate()


async def _answer(request: Received, peer: Peer) -> None:
    """The provider: two fine-tuned models that end in five days, one of them refused; no place for files."""
    path = request.target.partition("?")[0]
    if path == "/v1/models":
        await peer.answer(msgspec.json.encode({"object": "list", "data": _MODELS}))
    elif path.startswith("/v1/models/"):
        found = [one for one in _MODELS if path.endswith(f"/{one['id']}")]
        await peer.answer(msgspec.json.encode(found[0])) if found else await _refuse(peer, "404 Not Found")
    elif path == "/v1/chat/completions":
        await _chat(msgspec.json.decode(request.body), peer)
    else:
        await _refuse(peer, "400 Bad Request")


async def _chat(asked: dict[str, Any], peer: Peer) -> None:
    model, text = asked["model"], asked["messages"][0]["content"]
    if model == _REFUSED:
        await _refuse(peer, "404 Not Found", "model_not_found")
    elif text == _FAIL:
        await _refuse(peer, "503 Service Unavailable")
    elif asked.get("stream"):
        await peer.begin_stream()
        await peer.chunk(b"data: " + completion(model) + b"\n\n")
        if text == _HANG:
            await peer.gone()
            return
        await peer.chunk(b"data: [DONE]\n\n")
        await peer.chunk(b"")
    else:
        await peer.answer(completion(model))


async def _refuse(peer: Peer, status: str, code: str | None = None) -> None:
    error = {"message": "no", "type": "invalid_request_error", "param": None, "code": code}
    await peer.answer(msgspec.json.encode({"error": error}), status)
