"""What every measure runs on: the upstream and the sink, gateways started and named, rounds that take turns."""

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, TypeVar

from tests.bench import tools
from tests.bench.kernel import Meter, pin, tree
from tests.bench.peers.housestyle import records
from tests.bench.running import BOTH, LOAD_CORES, Running, control, module
from tests.bench.samples import Absent, Sample
from tests.gateway.upstream.certificates import Authority

_SETTLE_SECONDS = 8.0
_LOOK_SECONDS = 0.1
_STILL = 4  # looks
_AT_REST = 0.2  # of a core
_T = TypeVar("_T")
Maker = Callable[[Path], AbstractContextManager[Running]]
Makers = dict[str, Maker]
Look = Callable[[Running, int], dict[str, float]]


class Void(Exception):
    """A round that proves nothing; the message says why."""


class Seen(NamedTuple):
    """What has arrived in all: requests at the upstream, spans at the sink, Why records in the store."""

    requests: int
    spans: int
    records: int


class Bench:
    """Upstream and sink, and what was measured so far. `plain` and `tls` are the upstream's URLs; `authority` is the
    certificate of who signed for it."""

    def __init__(
        self, folder: Path, upstream: int, ports: list[int], sink: int, authority: Path, only: frozenset[str]
    ) -> None:
        self.folder = folder
        self._upstream = upstream
        self.plain = f"http://127.0.0.1:{ports[0]}"
        self.tls = f"https://localhost:{ports[1]}"
        self.sink = f"http://127.0.0.1:{sink}"
        self.authority = authority
        self.only = only
        self.samples: list[Sample] = []
        self.absent: list[Absent] = []

    def seen(self, gateway: Running) -> Seen:
        """What has arrived so far."""
        spans = control(gateway.sink)["spans"] if gateway.sink else 0
        return Seen(control(self.plain).get("requests", 0), spans, records(gateway))

    def settled(self, gateway: Running, since: Seen) -> Seen:
        """What has arrived, once the gateway is at rest, and spans and records of all requests since `since` too."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        last, still = self.seen(gateway), 0
        while time.monotonic() < deadline and still < _STILL:
            meter = Meter(tree(gateway.pid))
            time.sleep(_LOOK_SECONDS)
            seen = self.seen(gateway)
            asked = seen.requests - since.requests
            told = min(seen.spans - since.spans, seen.records - since.records) if gateway.sink else asked
            at_rest = seen == last and told >= asked and meter.nanoseconds() < _AT_REST * _LOOK_SECONDS * 1e9
            still = still + 1 if at_rest else 0
            last = seen
        return last

    def run(self, measure: str, makers: Makers, look: Look, rounds: int) -> None:
        """Looks at each gateway once a round, each round beginning with another one."""
        with contextlib.ExitStack() as stack:
            running = self._start(measure, makers, stack)
            for number in range(rounds):
                for gateway in rotated(running, number):
                    self._take(measure, number, gateway, look)

    def run_afresh(self, measure: str, makers: Makers, look: Look, rounds: int) -> None:
        """The same with gateways that are started for each look, and alone."""
        for number in range(rounds):
            for name in rotated([*makers], number):
                with contextlib.ExitStack() as stack:
                    for gateway in self._start(measure, {name: makers[name]}, stack):
                        self._take(measure, number, gateway, look)

    @contextlib.contextmanager
    def spread(self) -> Iterator[None]:
        """The upstream on any core meanwhile."""
        pin(self._upstream, BOTH)
        try:
            yield
        finally:
            pin(self._upstream, LOAD_CORES)

    def _take(self, measure: str, number: int, gateway: Running, look: Look) -> None:
        """One look, kept and told."""
        try:
            sample = Sample(measure, number, gateway.name, look(gateway, number))
            told = "  ".join(f"{name} {value:,.3f}".rstrip("0").rstrip(".") for name, value in sample.values.items())
        except Void as void:
            sample = Sample(measure, number, gateway.name, void=str(void))
            told = f"VOID: {void}"
        self.samples.append(sample)
        tools.say(f"{measure:<14} round {number + 1}  {gateway.name:<16} {told}")

    def _start(self, measure: str, makers: Makers, stack: contextlib.ExitStack) -> list[Running]:
        running: list[Running] = []
        for name, maker in makers.items():
            if self.only and name not in self.only:
                continue
            folder = Path(tempfile.mkdtemp(prefix=f"{measure}-{name}-", dir=self.folder))
            try:
                running.append(stack.enter_context(maker(folder)))
            except (tools.Missing, RuntimeError, OSError) as error:
                if name.startswith("housestyle"):
                    raise
                why = str(error).replace(str(self.folder), "…").replace(str(tools.ROOT), "…")
                tools.say(f"bench: goes on without {name} in {measure}: {why}")
                self.absent.append(Absent(measure, name, why.splitlines()[0][:200]))
        return running


def rotated(those: Sequence[_T], by: int) -> list[_T]:
    """The same, beginning with another one each round."""
    start = by % len(those) if those else 0
    return [*those[start:], *those[:start]]


@contextlib.contextmanager
def benched(folder: Path, only: frozenset[str]) -> Iterator[Bench]:
    """A bench, its upstream and sink running on the load's core, as this process is."""
    authority = Authority(folder, "bench-ca")
    authority.server("localhost")
    with (
        module("tests.bench.upstream", str(folder / "server-1.pem")) as (upstream, ports),
        module("tests.bench.sink") as (collector, sink),
    ):
        for pid in (upstream, collector, os.getpid()):
            pin(pid, LOAD_CORES)
        yield Bench(folder, upstream, ports, sink[0], authority.file, only)
