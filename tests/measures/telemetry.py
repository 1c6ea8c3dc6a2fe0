"""What a call's span, metrics and Why record cost, exported: CPU time of a gateway's process, and of the whole gateway
with spans and without.

`python -m tests.measures.telemetry` says it; `--profile PART` says where the time of a round goes instead.
"""

import asyncio
import contextlib
import cProfile
import gc
import json
import os
import pstats
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import redis
import uvloop

from gateway.store.connection import Store
from gateway.store.embedded import EmbeddedRedis
from tests.bench import looks
from tests.bench.bench import Makers, benched
from tests.bench.peers.housestyle import housestyle
from tests.bench.running import Running, control, module
from tests.measures.settling import PARTS, settle
from tests.support.why import written

CALLS, ROUNDS = 50_000, 3
_WITH, _WITHOUT, _LOAD_SECONDS = "housestyle", "housestyle-without-spans", 4


class Costs(NamedTuple):
    """Microseconds of CPU time a call: of each part, beyond those of nothing, by round; of Redis for a record. `lost`:
    spans and records that did not arrive."""

    parts: dict[str, list[float]]
    store: list[float]
    lost: int

    def of(self, part: str) -> float:
        """The median of the rounds."""
        return statistics.median(self.parts[part])


def measure(calls: int = CALLS, rounds: int = ROUNDS) -> Costs:
    """In a process of its own: its environment names the collector, and its CPU time is counted."""
    with (
        tempfile.TemporaryDirectory(prefix="housestyle-measures-") as folder,
        module("tests.bench.sink") as (_, [port]),
        EmbeddedRedis(Path(folder), os.environ) as store,
    ):
        words = [sys.executable, "-m", "tests.measures.telemetry", "--settle", store.url, str(calls), str(rounds)]
        done = subprocess.run(words, check=True, stdout=subprocess.PIPE, env=_environ(port))
        return Costs(**json.loads(done.stdout))


def _environ(port: int) -> dict[str, str]:
    """Ours, without what would change how spans are sent."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    return {**kept, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}", "OTEL_BSP_SCHEDULE_DELAY": "500"}


async def _rounds(url: str, calls: int, rounds: int) -> Costs:
    """The parts take turns, so that what else the machine does meets all of them."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)  # as gateway/serving.py does
    store = Store(url)
    spent: dict[str, list[float]] = {part: [] for part in PARTS}
    stored: list[float] = []
    lost = 0
    try:
        for part in PARTS:
            await settle(store, part, 2000)  # what is made once is made
        for _ in range(rounds):
            for part in PARTS:
                spans, records, busy = _arrived(url)
                spent[part].append(1e6 * await settle(store, part, calls) / calls)
                more_spans, more_records, more_busy = _arrived(url)
                lost += calls * ("span" in PARTS[part]) - (more_spans - spans)
                lost += calls * ("record" in PARTS[part]) - (more_records - records)
                if part == "record":
                    stored.append(1e6 * (more_busy - busy) / calls)
    finally:
        await store.close()
    beyond = {part: [a - b for a, b in zip(spent[part], spent["nothing"], strict=True)] for part in PARTS}
    return Costs({**beyond, "nothing": spent["nothing"]}, stored, lost)


def _arrived(url: str) -> tuple[int, int, float]:
    """Spans at the collector, records in Redis, Redis's CPU seconds so far."""
    spans = int(control(os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"])["spans"])
    with redis.Redis.from_url(url, protocol=2) as client:
        cpu = client.info("cpu")
        records = written(client)
    return spans, records, float(cpu["used_cpu_user"]) + float(cpu["used_cpu_sys"])


def whole(rounds: int = ROUNDS) -> dict[str, float]:
    """Microseconds of a real gateway's CPU time for a call, with spans and without: medians. In a process of its own,
    since the bench binds it to a core. Raises CalledProcessError where the load cannot be had."""
    words = [sys.executable, "-m", "tests.measures.telemetry", "--whole", str(rounds)]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _whole(rounds: int) -> dict[str, float]:
    with (
        tempfile.TemporaryDirectory(prefix="housestyle-bench-") as folder,
        benched(Path(folder), frozenset()) as bench,
    ):

        @contextlib.contextmanager
        def without(at: Path) -> Iterator[Running]:
            environ = {"OTEL_TRACES_EXPORTER": "none"}
            with housestyle(at, bench.plain, bench.sink, name=_WITHOUT, environ=environ) as running:
                yield running._replace(sink=None)

        makers: Makers = {_WITH: lambda at: housestyle(at, bench.plain, bench.sink), _WITHOUT: without}
        bench.run("spans", makers, looks.cost(bench, _LOAD_SECONDS, looks.KB), rounds)
        taken = [(one.peer, one.values["cpu_us"]) for one in bench.samples if not one.void]
    return {name: statistics.median(us for its, us in taken if its == name) for name in makers}


def _profile(part: str) -> None:
    """Where the event loop's thread spends a round of a part."""
    with (
        tempfile.TemporaryDirectory(prefix="housestyle-measures-") as folder,
        module("tests.bench.sink") as (_, [port]),
        EmbeddedRedis(Path(folder), os.environ) as redis_server,
    ):
        os.environ.update(_environ(port))

        async def once() -> None:
            store = Store(redis_server.url)
            await settle(store, part, 2000)
            profile = cProfile.Profile()
            profile.enable()
            await settle(store, part, 20_000)
            profile.disable()
            await store.close()
            pstats.Stats(profile, stream=sys.stdout).sort_stats("tottime").print_stats(30)

        asyncio.run(once())


def main(words: list[str]) -> None:
    """The command."""
    if words[:1] == ["--settle"]:
        json.dump(uvloop.run(_rounds(words[1], int(words[2]), int(words[3])))._asdict(), sys.stdout)
    elif words[:1] == ["--whole"]:
        json.dump(_whole(int(words[1])), sys.stdout)
    elif words[:1] == ["--profile"]:
        _profile(words[1])
    else:
        costs = measure()
        for part in PARTS:
            told = " ".join(f"{value:.1f}" for value in costs.parts[part])
            print(f"{part}: {costs.of(part):.1f} µs ({told})")  # noqa: T201 - its output
        print(f"Redis: {statistics.median(costs.store):.1f} µs a record; lost: {costs.lost}")  # noqa: T201
        print(f"a whole gateway, a call: {whole()} µs")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
