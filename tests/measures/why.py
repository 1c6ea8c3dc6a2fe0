"""How long the Why trace takes to answer where a tenant has many records, and what writing one costs the gateway.

`python -m tests.measures.why 100000` prints a line for each. Not run by default. The admin page's screens: `page.py`.
"""

import asyncio
import base64
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx2
import redis

from gateway import timestamps
from gateway.store.connection import Store
from gateway.why import WhyRecord, WhyWriter
from tests.measures.memory import Memory
from tests.support.admin import NO_TLS, Admin
from tests.support.processes import gateway_environ, running
from tests.support.redis import Stoppable, stoppable
from tests.support.why import TENANT, put, record

TIMES = 5
RARE = 50  # so many records of a rare workflow


def made(count: int) -> list[WhyRecord]:
    """Records as large as real ones, the first of them of a trace of its own."""
    began = time.time() - count / 100
    records = []
    for number in range(count):
        fields = {
            "call_id": timestamps.call_id(began + number / 100),
            "trace_id": f"{random.getrandbits(128):032x}" if number else "a" * 32,
            "span_id": f"{number:016x}",
            "time": timestamps.from_seconds(began + number / 100),
            "workflow": "rare" if number % (count // RARE) == 0 else f"workflow-{number % 7}",
            "routed_model": "ft:gpt-4o-mini-2024-07-18:acme::abc" if number % 2 else "gpt-4o-mini",
            "served_model": "gpt-4o-mini-2024-07-18",
            "fine_tuned": bool(number % 2),
            "reason": "active_job" if number % 2 else "stock_arm",
            "job_id": "job_0123456789abcdef",
            "response_id": f"chatcmpl-{number:024x}",
            "input_tokens": 1234,
            "output_tokens": 321,
            "cost_usd": 0.000123,
        }
        records.append(record(number, **fields))
    return records


async def write(url: str, records: list[WhyRecord]) -> float:
    """Microseconds of processor time a record, in batches of 500."""
    store = Store(url)
    writer = WhyWriter(store, len(records), 90)
    spent = 0.0
    for start in range(0, len(records), 10_000):
        put(writer, records[start : start + 10_000])
        began = time.process_time()
        await writer.flush()
        spent += time.process_time() - began
    await store.close()
    return spent / len(records) * 1e6


class _Beside:
    """A caller who asks for /healthz all the time: what it waits for is the event loop."""

    def __init__(self, url: str) -> None:
        self.waited: list[float] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask, args=(url,))

    def __enter__(self) -> "_Beside":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self, url: str) -> None:
        with httpx2.Client(base_url=url, verify=NO_TLS) as http:
            while not self._over.wait(0.002):
                began = time.perf_counter()
                http.get("/healthz")
                self.waited.append((time.perf_counter() - began) * 1000)


def _spent(server: Stoppable) -> float:
    """Milliseconds of Redis's processor time until now."""
    with redis.Redis.from_url(server.url, protocol=2) as client:
        info: dict[str, float] = client.info("cpu")
    return (info["used_cpu_user"] + info["used_cpu_sys"]) * 1000


def _measure(admin: Admin, server: Stoppable, name: str, path: str, accept: str = "application/json") -> None:
    took = []
    size = 0
    before = _spent(server)
    with _Beside(admin.url) as beside:
        for _ in range(TIMES):
            began = time.perf_counter()
            answer = admin.ask("GET", path, headers={"accept": accept})
            took.append((time.perf_counter() - began) * 1000)
            assert answer.status_code == 200, answer.text
            size = len(answer.content)
    spent = (_spent(server) - before) / TIMES
    waited = sorted(beside.waited)
    p99 = waited[int(len(waited) * 0.99)]
    say(
        f"{name}: {statistics.median(took):.0f} ms, longest {max(took):.0f} ms, Redis's processor {spent:.0f} ms;"
        f" {size / 1000:.0f} KB; /healthz beside it: p50 {statistics.median(waited):.1f}, p99 {p99:.1f} ms"
    )


def say(words: str) -> None:
    """A line of the figures."""
    print(words, flush=True)  # noqa: T201 - what it is for


def main(count: int) -> None:
    """All of it."""
    records = made(count)
    with tempfile.TemporaryDirectory() as folder, stoppable(Path(folder) / "redis") as server:
        say(f"writing: {asyncio.run(write(server.url, records)):.1f} µs of the gateway's processor a record")
        environ = gateway_environ(
            Path(folder),
            HOUSESTYLE_REDIS_URL=server.url,
            HOUSESTYLE_ENCRYPTION_KEYS=base64.b64encode(os.urandom(32)).decode(),
            HOUSESTYLE_ARTIFACTS_URL=(Path(folder) / "artifacts").as_uri(),
        )
        command = ["serve", "--port", "0"]
        with running(command, environ, Path(folder) / "log") as program, Admin(program.url) as admin:
            admin.put(f"/tenants/{TENANT}", {})
            why = f"/tenants/{TENANT}/why"
            memory = Memory(program.process.pid)
            _measure(admin, server, "the newest 50", why)
            _measure(admin, server, "one call, the oldest", f"{why}/{records[0].call_id}")
            _measure(admin, server, "one trace, the oldest record", f"{why}?trace_id={'a' * 32}")
            _measure(admin, server, "a trace that is not there", f"{why}?trace_id={'b' * 32}")
            _measure(admin, server, f"{RARE} of a rare workflow", f"{why}?workflow=rare")
            _measure(admin, server, "the oldest 50, by until", f"{why}?until={records[50].time}")
            _measure(admin, server, "the summary", f"{why}/summary")
            _measure(admin, server, "all as JSON lines", why, "application/x-ndjson")
            _measure(admin, server, "all as CSV", why, "text/csv")
            say(f"the gateway's memory grew by {memory.growth / 1024:.0f} MB at most")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
