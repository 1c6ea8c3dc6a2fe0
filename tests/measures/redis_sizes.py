"""`python -m tests.measures.redis_sizes`: what Redis holds for a Why record and for a tenant, of real ones: a gateway
sets up tenants over its admin API and answers calls, Redis says with MEMORY USAGE and INFO what they take.
"""

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx2
import redis

from tests.propagation.stage import Stage
from tests.support.admin import NO_TLS, STOCK, Admin
from tests.support.callers import answer_either
from tests.support.firms import Firm
from tests.support.processes import wait_until
from tests.support.redis import stoppable
from tests.support.servers import in_thread
from tests.support.upstream import upstream

_CALLS = 10_000
_TENANTS = 200
_AT_ONCE = 16
_WORKFLOWS = 10


async def _call(firm: Firm, calls: int) -> None:
    left = iter(range(calls))

    async def one_after_the_other(http: httpx2.AsyncClient, numbers: Iterator[int]) -> None:
        for number in numbers:
            body = {"model": STOCK, "messages": [{"role": "user", "content": "Write a clause."}]}
            headers = {**firm.auth, "x-workflow": f"contract-review-{number % _WORKFLOWS}"}
            answer = await http.post(f"{firm.gateway}/v1/chat/completions", json=body, headers=headers)
            assert answer.status_code == 200, answer.text

    async with httpx2.AsyncClient(verify=NO_TLS, timeout=60) as http:
        await asyncio.gather(*(one_after_the_other(http, left) for _ in range(_AT_ONCE)))


def _say(words: str) -> None:
    print(words, flush=True)  # noqa: T201 - its output


def measure(folder: Path, calls: int, tenants: int) -> None:
    """Prints the figures."""
    with in_thread(upstream(answer_either)) as provider, stoppable(folder / "redis") as server:
        stage = Stage(folder, server, provider.url)
        client = redis.Redis.from_url(server.url, protocol=2)
        with stage.replica() as gateway, Admin(gateway.url) as admin, client:
            stage.admin = admin
            used = int(client.info("memory")["used_memory"])
            for _ in range(tenants):
                stage.firm()
            grown = int(client.info("memory")["used_memory"]) - used
            _say(f"{tenants} tenants, each with a provider and a key: {grown / tenants:,.0f} bytes each, all that")
            _say("their three changes leave included (change log, audit log twice)")
            firm = stage.firm()
            job = stage.ready_job(firm)
            admin.post(f"{firm.path}/jobs/{job.id}/activate", {"share": 1})
            before = _saved(client, folder)
            asyncio.run(_call(firm, calls))
            key = f"{{housestyle}}:why:{firm.name}"
            wait_until(lambda: int(client.xlen(key)) == calls, 60, "the records")
            size = _bytes(client, key)
            days = sum(_bytes(client, one) for one in client.scan_iter(f"*why-day*:{firm.name}*"))
            after = _saved(client, folder)
            _say(f"{calls} Why records: MEMORY USAGE {size:,} bytes, {size / calls:,.0f} a record")
            _say(f"  a day's counts, {_WORKFLOWS} workflows and one model: {days:,} bytes")
            _say(f"  in a snapshot (RDB): {(after - before) / calls:,.0f} a record")


def _bytes(client: redis.Redis, key: str | bytes) -> int:
    return client.memory_usage(key, samples=0) or 0


def _saved(client: redis.Redis, folder: Path) -> int:
    """The size of a snapshot."""
    client.config_set("dbfilename", "sizes.rdb")
    client.save()
    return (folder / "redis" / "redis" / "sizes.rdb").stat().st_size


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else _CALLS
    with tempfile.TemporaryDirectory(prefix="housestyle-sizes-") as made:
        measure(Path(made), count, _TENANTS)
