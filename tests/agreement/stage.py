"""What runs: a gateway that has served nothing before, a provider that keeps book, a collector, five tenants."""

import asyncio
import contextlib
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from tests.agreement import asking
from tests.agreement.provider import Provider
from tests.agreement.spans import as_dict
from tests.agreement.values import Ask, Case, Heard, Tenant
from tests.support.admin import BASE_MODEL, NO_TLS, STOCK, Admin
from tests.support.firms import Firm
from tests.support.otlp import Collector, collecting
from tests.support.processes import Program, gateway_environ, running, wait_until
from tests.support.redis import free_port
from tests.support.upstream import upstream

AT_ONCE = 25
# Name → whether a job is active, its share, the rule, the fallback, whether the provider refuses the model.
_TENANTS: dict[str, dict[str, Any]] = {
    "whole": {"active": True},
    "half": {"active": True, "share": 0.5, "rule": "all"},
    "stock": {"active": False},
    "refused": {"active": True, "refuses": True},
    "failing": {"active": True, "refuses": True, "fallback": "fail"},
}


class Stage:
    """What runs, and who calls there."""

    def __init__(self, gateway: Program, admin: Admin, provider: Provider, url: str) -> None:
        self.gateway = gateway
        self.admin = admin
        self.provider = provider
        silent = free_port()
        self.tenants = [self._tenant(url, silent, **settings) for settings in _TENANTS.values()]

    def _tenant(self, url: str, silent: int, **settings: Any) -> Tenant:
        kept = {name: value for name, value in settings.items() if name in ("rule", "fallback")}
        firm = Firm(self.admin, url, **kept)
        elsewhere = {**firm.provider, "base_url": f"http://127.0.0.1:{silent}/v1", "is_default": False}
        self.admin.put(f"{firm.path}/providers/silent", elsewhere)
        tuned = f"ft:{BASE_MODEL}:{firm.name}::made"
        order = {"label": "Spring", "provider": "main", "model": tuned, "base_model": BASE_MODEL}
        job = self.admin.post(f"{firm.path}/jobs/import", order)
        if settings["active"]:
            firm.activate(job, share=settings.get("share", 1.0))
        if settings.get("refuses"):
            self.provider.refused.add(tuned)
        return Tenant(
            name=firm.name,
            credential=firm.account.key,
            key=firm.key,
            key_id=self.admin.get(f"{firm.path}/keys")["items"][0]["id"],
            stock=STOCK,
            tuned=tuned,
            job_id=job["id"],
            revision=self.admin.get(firm.path)["revision"],
            port=int(urlsplit(url).port or 0),
            silent_port=silent,
            **settings,
        )

    async def make(self, asks: list[Ask]) -> list[Heard]:
        """Makes the calls, so many at a time; each is heard to its end."""
        tenants = {tenant.name: tenant for tenant in self.tenants}
        free = asyncio.Semaphore(AT_ONCE)

        async def one(ask: Ask, http: httpx2.AsyncClient) -> Heard:
            async with free, asyncio.timeout(60):
                return await asking.make(ask, tenants[ask.tenant], http, self.provider)

        async with httpx2.AsyncClient(base_url=self.gateway.url, verify=NO_TLS, timeout=60) as http:
            return await asyncio.gather(*(one(ask, http) for ask in asks))

    def records(self, tenant: Tenant) -> list[dict[str, Any]]:
        """All Why records of a tenant."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = self.admin.get(f"/tenants/{tenant.name}/why?limit=100{cursor}")
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    def samples(self) -> dict[str, float]:
        """What /metrics says: sample → value."""
        text = httpx2.get(f"{self.gateway.url}/metrics", verify=NO_TLS).text
        return {found[1]: float(found[2]) for found in re.finditer(r"^([a-z]\S*|[a-z].*\}) (\S+)$", text, re.MULTILINE)}

    def settled_samples(self, calls: int) -> dict[str, float]:
        """What /metrics says once so many calls are counted: one that was cancelled ends after its caller has gone."""

        def counted() -> float:
            names = ("housestyle_calls_total", "housestyle_unidentified_calls_total")
            return sum(value for name, value in self.samples().items() if name.partition("{")[0] in names)

        wait_until(lambda: counted() >= calls, 20, "the end of every call")
        return self.samples()


@contextlib.asynccontextmanager
async def staged(folder: Path, **environ: str) -> AsyncIterator[tuple[Stage, Collector]]:
    """All of it, ended at the end."""
    provider = Provider()
    with collecting() as collector:
        settings = gateway_environ(
            folder / "data",
            OTEL_TRACES_EXPORTER="otlp",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint,
            **environ,
        )
        async with upstream(provider.answer) as at:
            with running(["serve", "--port", "0"], settings, folder / "log") as gateway, Admin(gateway.url) as admin:
                yield await asyncio.to_thread(Stage, gateway, admin, provider, at.url), collector


def end(gateway: Program) -> None:
    """Ends a gateway as an operator does: what waits to be sent is sent."""
    gateway.process.send_signal(signal.SIGTERM)
    assert gateway.process.wait(60) == 0
    gateway.stop()


def cases(
    stage: Stage, asks: list[Ask], heard: list[Heard], records: list[dict[str, Any]], spans: list[Any]
) -> list[Case]:
    """Each call with all that is said of it. What belongs to no call is given to the first: it must be told."""
    tenants = {tenant.name: tenant for tenant in stage.tenants}
    found = [
        Case(ask, tenants[ask.tenant], stage.provider.received[ask.number], said)
        for ask, said in zip(asks, heard, strict=True)
    ]
    by_call = {case.heard.call_id: case for case in found if case.heard.call_id}
    by_trace = {case.ask.trace_id: case for case in found if case.ask.trace_id}
    for record in records:
        (by_call.get(record["call_id"]) or by_trace.get(record["trace_id"]) or found[0]).records.append(record)
    for span in map(as_dict, spans):
        (by_call.get(span["housestyle.call_id"]) or by_trace.get(span["trace_id"]) or found[0]).spans.append(span)
    return found
