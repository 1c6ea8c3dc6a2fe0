"""The measures by name: which gateways take part in each, how they are looked at, what is wanted of them."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from tests.bench import looks
from tests.bench.bench import Bench, Maker, Makers
from tests.bench.figures import Target
from tests.bench.peers.envoy import envoy
from tests.bench.peers.housestyle import housestyle
from tests.bench.peers.litellm import litellm
from tests.bench.peers.nginx import nginx
from tests.bench.peers.portkey import portkey
from tests.bench.running import BOTH

KB = 1024
_FEW = 16  # connections: a slow gateway has no more of them to answer at the end
_SLOW_SECONDS = 12
TENANTS = 10_000


class Options(NamedTuple):
    """`rounds` of every measure; `seconds` of load in each look."""

    rounds: int
    seconds: float


def _ours(bench: Bench, *, tls: bool = False) -> Maker:
    environ = {"SSL_CERT_FILE": str(bench.authority)} if tls else {}
    return lambda at: housestyle(at, bench.tls if tls else bench.plain, bench.sink, environ=environ)


def _bodies(bench: Bench, options: Options, measure: str, size: int) -> None:
    makers: Makers = {
        "housestyle": _ours(bench),
        "nginx": lambda at: nginx(at, bench.plain),
        "nginx-lua": lambda at: nginx(at, bench.plain, lua=True),
        "envoy-lua": lambda at: envoy(at, bench.plain, lua=True),
    }
    bench.run(measure, makers, looks.cost(bench, options.seconds, size), options.rounds)


def _streaming(bench: Bench) -> Makers:
    return {
        "housestyle": _ours(bench),
        "nginx": lambda at: nginx(at, bench.plain, streams=True),
        "envoy": lambda at: envoy(at, bench.plain),
    }


def _sse(bench: Bench, options: Options) -> None:
    bench.run("sse", _streaming(bench), looks.stream_cost(bench), options.rounds)


def _tls_body(bench: Bench, options: Options) -> None:
    makers: Makers = {
        "housestyle": _ours(bench, tls=True),
        "nginx": lambda at: nginx(at, bench.tls, authority=bench.authority),
        "envoy-lua": lambda at: envoy(at, bench.tls, lua=True, authority=bench.authority),
    }
    bench.run("tls-1k", makers, looks.cost(bench, options.seconds, KB), options.rounds)


def _tls_sse(bench: Bench, options: Options) -> None:
    makers: Makers = {
        "housestyle": _ours(bench, tls=True),
        "nginx": lambda at: nginx(at, bench.tls, streams=True, authority=bench.authority),
        "envoy": lambda at: envoy(at, bench.tls, authority=bench.authority),
    }
    bench.run("tls-sse", makers, looks.stream_cost(bench), options.rounds)


def _latency(bench: Bench, options: Options) -> None:
    makers: Makers = {
        "housestyle": _ours(bench),
        "nginx": lambda at: nginx(at, bench.plain),
        "envoy-lua": lambda at: envoy(at, bench.plain, lua=True),
    }
    bench.run("latency", makers, looks.latency(bench, 2 * options.seconds), options.rounds)


def _first_chunk(bench: Bench, options: Options) -> None:
    bench.run("first-chunk", _streaming(bench), looks.first_chunk(bench, 2 * options.seconds), options.rounds)


def _memory(bench: Bench, options: Options) -> None:
    bench.run_afresh("memory", _streaming(bench), looks.memory(bench), options.rounds)


def _tenants(bench: Bench, options: Options) -> None:
    many = partial(housestyle, upstream=bench.plain, sink=bench.sink, name="housestyle-10k", tenants=TENANTS)
    makers: Makers = {"housestyle": _ours(bench), "housestyle-10k": many}
    bench.run("tenants", makers, looks.cost(bench, options.seconds, KB), options.rounds)


def _workers(bench: Bench, options: Options) -> None:
    one = partial(housestyle, upstream=bench.plain, sink=bench.sink, cores=BOTH)
    makers: Makers = {"housestyle": one, "housestyle-2": partial(one, name="housestyle-2", workers=2)}
    with bench.spread():
        bench.run("workers", makers, looks.cost(bench, options.seconds, KB, cores=BOTH), options.rounds)


def _slow(bench: Bench, options: Options) -> None:
    makers: Makers = {
        "housestyle": _ours(bench),
        "litellm": lambda at: litellm(at, bench.plain),
        "portkey": lambda at: portkey(at, bench.plain),
    }
    bench.run("slow", makers, looks.cost(bench, _SLOW_SECONDS, KB, _FEW), options.rounds)


MEASURES: dict[str, Callable[[Bench, Options], None]] = {
    "body-1k": partial(_bodies, measure="body-1k", size=KB),
    "body-100k": partial(_bodies, measure="body-100k", size=100 * KB),
    "sse": _sse,
    "tls-1k": _tls_body,
    "tls-sse": _tls_sse,
    "latency": _latency,
    "first-chunk": _first_chunk,
    "memory": _memory,
    "tenants": _tenants,
    "workers": _workers,
    "slow": _slow,
}
_OURS = ("housestyle", "housestyle-10k", "housestyle-2")
GATEWAYS = (*_OURS, "nginx", "nginx-lua", "envoy", "envoy-lua", "litellm", "portkey")
# Only with `--all`, or by name.
RARE = frozenset({"slow"})

TARGETS = (
    Target("1 KB body ÷ Envoy + Lua", "body-1k", "cpu_us", "µs a request", 0.9, 0.6, "envoy-lua"),
    Target("100 KB body ÷ Envoy + Lua", "body-100k", "cpu_us", "µs a request", 1.0, 0.7, "envoy-lua"),
    Target("100 KB body ÷ nginx + Lua", "body-100k", "cpu_us", "µs a request", 0.5, 0.3, "nginx-lua"),
    Target("stream ÷ Envoy", "sse", "chunk_us", "µs a chunk", 1.2, 1.0, "envoy", digits=1),
    Target("TLS upstream, 1 KB ÷ Envoy + Lua", "tls-1k", "cpu_us", "µs a request", 1.2, 1.0, "envoy-lua"),
    Target("TLS upstream, stream ÷ Envoy", "tls-sse", "chunk_us", "µs a chunk", 1.2, 1.0, "envoy", digits=1),
    Target("LiteLLM proxy ÷ this", "slow", "cpu_us", "µs a request", 100, None, "litellm", True, True),
    Target("latency added at 300/s, p50", "latency", "added_p50_ms", "ms", 0.7, 0.3, digits=2),
    Target("latency added at 300/s, p99", "latency", "added_p99_ms", "ms", 5, 2, digits=2),
    Target("first chunk added, p50", "first-chunk", "added_p50_ms", "ms", 1, 0.3, digits=2),
    Target("memory, idle worker", "memory", "idle_mb", "MB", 100, 70, digits=1),
    Target("memory, each of 1,000 open streams", "memory", "stream_kb", "KB", 30, 15, digits=1),
    Target("10,000 tenants ÷ one", "tenants", "cpu_us", "µs a request", 1.05, None, "housestyle-10k", False, True),
    Target("two workers ÷ one", "workers", "capacity_per_s", "requests/s", 1.8, None, "housestyle-2", True, True),
)
