"""`python -m tests.bench control-plane`: how fast a change is in force on every replica, whether any call is stale, and
what very many tenants cost a replica. Needs nginx; docs/control-plane.md says how it is done.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tests.bench import tools
from tests.bench.control_plane_report import Figures, Propagation, Scale, Times, page, rows, table
from tests.bench.figures import quantile
from tests.bench.kernel import resident_kb
from tests.bench.machine import described
from tests.bench.many_tenants import KEYS_EACH, Seed, key_of, name_of
from tests.bench.running import module
from tests.propagation.load import Flip, Verdict, calling, flip, judge
from tests.propagation.stage import Stage, ask, new_call, staged
from tests.support.admin import STOCK, Admin
from tests.support.firms import Firm
from tests.support.processes import gateway_environ, running, wait_until
from tests.support.raw import Raw
from tests.support.redis import stoppable

_DOCUMENTS = Path("docs/benchmarks")
_REPLICAS = 4
_WARM = 5  # activations that do not count
_CHANGES = 50  # at size
_ASKED = 1000  # tenants
_READY_SECONDS = 120


def times(milliseconds: Sequence[float]) -> Times:
    """Their quantiles."""
    parts = (quantile(milliseconds, 0.5), quantile(milliseconds, 0.99), max(milliseconds))
    return Times(*(round(part, 2) for part in parts))


def propagation(stage: Stage, callers: int, activations: int) -> Propagation:
    """Two jobs and stock in turns, with so many callers that call without pause through nginx."""
    firm = stage.firm()
    jobs = [stage.ready_job(firm) for _ in range(2)]
    changes = [(_activation(stage, firm, job.id), job.model) for job in jobs] + [(firm.use_stock, STOCK)]
    for change, _ in changes * _WARM:
        change()
    with contextlib.ExitStack() as stack:
        load = stack.enter_context(calling(stage.url, firm.key, callers)) if callers else None
        if load:
            load.await_more(callers)
        begun, before = time.monotonic(), len(load.made) if load else 0
        flips = _flips(changes, activations)
        seconds, made = time.monotonic() - begun, (len(load.made) if load else 0) - before
    verdict = judge(load.made, flips, stage.received()) if load else Verdict(0, [], [])
    return Propagation(
        callers=callers,
        activations=activations,
        acknowledged=sum(one.acknowledged for one in flips),
        propagation=times([one.answer["propagation_ms"] for one in flips]),
        admin=times([(one.answered - one.sent) / 1e6 for one in flips]),
        calls_per_s=round(made / seconds, 1),
        judged=verdict.judged,
        stale=len(verdict.stale),
        failed=len(verdict.failed),
    )


def _activation(stage: Stage, firm: Firm, job_id: str) -> Callable[[], Any]:
    return lambda: stage.admin.post(f"{firm.path}/jobs/{job_id}/activate", {"share": 1})


def _flips(changes: Sequence[tuple[Callable[[], Any], str]], number: int) -> list[Flip]:
    """With pauses of chance between them, so that calls fall between two and no rhythm is met."""
    flips: list[Flip] = []
    for at in range(number):
        flips.append(flip(*changes[at % len(changes)]))
        time.sleep(random.uniform(0.01, 0.05))  # noqa: S311 - no secret
    return flips


@contextlib.contextmanager
def _seeded(tenants: int) -> Iterator[tuple[dict[str, str], Path]]:
    """A Redis with that many: the settings of a gateway on it, and a folder."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="housestyle-bench-")))
        redis = stack.enter_context(stoppable(folder / "redis"))
        _, ports = stack.enter_context(module("tests.propagation.provider"))
        seed = Seed(f"http://127.0.0.1:{ports[0]}/v1")
        begun = time.monotonic()
        asyncio.run(seed.put(redis.url, tenants))
        tools.say(f"bench: {tenants:,} tenants put into Redis in {time.monotonic() - begun:.1f} s")
        environ = gateway_environ(
            folder / "data",
            HOUSESTYLE_REDIS_URL=redis.url,
            HOUSESTYLE_ENCRYPTION_KEYS=seed.encryption_keys,
            HOUSESTYLE_ARTIFACTS_URL=(folder / "artifacts").as_uri(),
        )
        yield environ, folder


def scale(tenants: int) -> Scale:
    """One replica on that many."""
    with _seeded(tenants) as (environ, folder):
        begun = time.monotonic()
        with running(["serve", "--port", "0"], environ, folder / "log") as program, Admin(program.url) as admin:
            ready = f"{program.url}/readyz"
            wait_until(lambda: _status(ready) == 200, _READY_SECONDS, "readiness")
            ready_s = time.monotonic() - begun
            pid = program.process.pid
            cpu_s = _cpu_seconds(pid)
            rss, pss, peak = resident_kb(pid), resident_kb(pid, "Pss"), _peak_kb(pid)
            asked = min(_ASKED, tenants // 2)
            change = times([_change(admin, number) for number in range(min(_CHANGES, asked))])
            chosen = random.sample(range(tenants // 2, tenants), asked)
            first = times(_calls(program.url, chosen))
            second = times(_calls(program.url, chosen))
            return Scale(
                tenants=tenants,
                keys=tenants * KEYS_EACH,
                ready_s=round(ready_s, 2),
                cpu_s=round(cpu_s, 2),
                load_s=_load_seconds(program.log),
                rss_mb=round(rss / 1024, 1),
                pss_mb=round(pss / 1024, 1),
                peak_mb=round(peak / 1024, 1),
                change=change,
                first_call=first,
                second_call=second,
                asked=asked,
                rss_after_mb=round(resident_kb(pid) / 1024, 1),
            )


def _cpu_seconds(pid: int) -> float:
    """What a process has computed so far, all of its threads: proc(5), utime and stime."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_kb(pid: int) -> int:
    """The most that a process has held so far: proc(5), VmHWM."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def _status(url: str) -> int:
    with Raw(url) as caller:
        return caller.ask("GET", "/readyz").status


def _change(admin: Admin, number: int) -> float:
    """How long one tenant's change was under way to the replica."""
    return float(admin.post(f"/tenants/{name_of(number)}/stock")["propagation_ms"])


def _calls(url: str, tenants: Sequence[int]) -> list[float]:
    """A call by each, one after the other on one connection: how long each took."""
    took: list[float] = []
    with Raw(url) as caller:
        for number in tenants:
            begun = time.perf_counter()
            answer = ask(caller, new_call(), key_of(number))
            took.append((time.perf_counter() - begun) * 1000)
            assert answer.status == 200, answer
            assert answer.header("x-fine-tuned") == ["true"]
    return took


def _load_seconds(log: Path) -> float | None:
    """What the gateway's log says of loading."""
    for line in log.read_text(errors="replace").splitlines():
        with contextlib.suppress(ValueError):
            told = json.loads(line)
            if isinstance(told, dict) and told.get("event") == "routes_loaded":
                seconds = told.get("seconds")
                return float(seconds) if seconds is not None else None
    return None


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench control-plane", description="Changes, and very many tenants.")
    parser.add_argument("--tenants", type=int, default=100_000, help="of the measure of scale (100,000); 0: without it")
    parser.add_argument("--activations", type=int, default=200, help="with and without load (200); 0: without them")
    parser.add_argument("--callers", type=int, nargs="*", default=[1, 8], help="that call meanwhile, run by run (1 8)")
    parser.add_argument("--write", action="store_true", help="puts the results into docs/benchmarks")
    return parser.parse_args(given)


def main(given: Sequence[str]) -> int:
    """The command: 1 where a target was missed."""
    arguments = _arguments(given)
    machine = described(" ".join(["scripts/bench control-plane", *given]))
    tools.say(f"bench: {machine.idle:.0%} of the cores are free")
    reached: list[Propagation] = []
    if arguments.activations:
        with staged(_REPLICAS) as stage:
            for callers in (0, *arguments.callers):
                reached.append(propagation(stage, callers, arguments.activations))
                tools.say(f"bench: {reached[-1]}")
    run = Figures(machine, reached, scale(arguments.tenants) if arguments.tenants else None)
    if arguments.write:
        _DOCUMENTS.mkdir(parents=True, exist_ok=True)
        told = msgspec.json.format(msgspec.json.encode(run), indent=1) + b"\n"
        (_DOCUMENTS / "control-plane.json").write_bytes(told)
        (_DOCUMENTS / "control-plane.md").write_text(page(run))
    sys.stdout.write(table(run))
    return 0 if all(one.met is not False for one in rows(run)) else 1
