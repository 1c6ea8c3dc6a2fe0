"""What a call that is over adds to the metrics. Labels are few, whatever callers send and however many tenants are
there.

`labels` costs several times as much as counting does, so each set of labels keeps its tally.
"""

from collections.abc import Sequence

from msgspec import Struct
from prometheus_client import CollectorRegistry, Counter, Histogram

from gateway.alike import Alike
from gateway.genai_metrics import OTHER, GenAiMetrics, Series, error_label
from gateway.spans import Attempt
from gateway.tallies import Count, Distribution, Tallies
from gateway.wire.kinds import KINDS
from gateway.wire.served import Served

_DURATIONS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640)
# How an attempt ends that is no fault of its upstream's: what the caller did or sent, and we. No other code of ours is
# here: a provider's own, in an answer that began well, may be spelt like one.
_NOT_ITS_FAULT = frozenset(
    {
        *("cancelled", "malformed_request", "request_timeout", "request_too_large"),
        *("invalid_json", "invalid_model_field", "endpoint_not_allowed"),
        *("draining", "internal_error"),
    }
)
_OWN_FAULTS = ("internal_error", "draining", "not_ready")
_NOTHING_SERVED = Served()
_MOST_KEPT = 4096
_OVERHEADS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1)


class Ended(Struct, frozen=True):
    """What a call that is over comes to.

    `seconds` from its arrival to its end; `overhead`, those of them that were spent neither upstream nor in waiting for
    the caller's body, None where nothing went upstream.
    """

    seconds: float
    overhead: float | None = None
    cost_usd: float | None = None


class _Kept(Struct, frozen=True):
    """The tallies of calls that are alike. `fault`: of those that failed in the gateway.

    `series`: the last attempt's, None where its model may yet get a label of its own; `tenant`: calls, tokens read and
    written, US dollars.
    """

    calls: Count
    duration: Distribution
    fault: Count | None
    series: Series | None
    tenant: tuple[Count, Count, Count, Count] | None


class CallMetrics:
    """The instruments. `tenants`: how many have a label of their own; with 0 none has, and theirs are not there."""

    def __init__(self, registry: CollectorRegistry, tallies: Tallies, *, tenants: int, latest: bool) -> None:
        self._tallies = tallies
        self._calls = Counter(
            "housestyle_calls",
            "Calls of known tenants that ended, by reason and by the class of their status.",
            ("reason", "status"),
            registry=registry,
        )
        self._refused = Counter(
            "housestyle_unidentified_calls",
            "Calls that were refused before their tenant was known, by error.",
            ("error",),
            registry=registry,
        )
        self._errors = Counter(
            "housestyle_upstream_errors",
            "Attempts at an upstream that failed, by its provider and by error or status.",
            ("provider", "error"),
            registry=registry,
        )
        faults = Counter(
            "housestyle_gateway_errors",
            "Calls that failed in the gateway, whosever they were, by error.",
            ("error",),
            registry=registry,
        )
        cancelled = Counter(
            "housestyle_cancelled_calls", "Calls whose caller left before the answer's end.", registry=registry
        )
        duration = Histogram(
            "housestyle_call_duration_seconds",
            "Time from a call's arrival to its end.",
            ("fine_tuned",),
            buckets=_DURATIONS,
            registry=registry,
        )
        overhead = Histogram(
            "housestyle_gateway_overhead_seconds",
            "Time of a call that was spent neither upstream nor in waiting for the caller's body.",
            buckets=_OVERHEADS,
            registry=registry,
        )
        fallbacks = Counter(
            "housestyle_fallbacks",
            "Calls that went to the stock model since the provider refused the fine-tuned one.",
            registry=registry,
        )
        self.fallbacks = tallies.count(fallbacks)
        self._faults = {error: tallies.count(faults.labels(error)) for error in _OWN_FAULTS}
        self._cancelled = tallies.count(cancelled)
        self._durations = {word: tallies.distribution(duration.labels(_word(word))) for word in (True, False)}
        self._overhead = tallies.distribution(overhead)
        self._gen_ai = GenAiMetrics(registry, tallies, latest=latest)
        self._tenants = _TenantMetrics(registry, tallies, tenants) if tenants else None
        self._kept: dict[Alike, _Kept] = {}
        self._kept_calls: dict[tuple[str | None, int], Count] = {}
        self._kept_refusals: dict[str | None, Count] = {}

    def unidentified(self, error: str | None) -> None:
        """Counts a call whose tenant is not known."""
        if error in self._faults:
            self._faults[error].add()
        (self._kept_refusals.get(error) or self._keep_refusal(error)).add()

    def settle(self, alike: Alike, ended: Ended, attempts: Sequence[Attempt] = ()) -> None:
        """Counts a call, and what was tried upstream for it; `alike` is of its last attempt."""
        kept = self._kept.get(alike) or self._keep(alike, attempts)
        kept.calls.add()
        if kept.fault is not None:
            kept.fault.add()
        kept.duration.observe(ended.seconds)
        if ended.overhead is not None:
            self._overhead.observe(ended.overhead)
        if alike.cancelled:
            self._cancelled.add()
        for attempt in attempts:
            same = kept.series if attempt is attempts[-1] else None
            self._gen_ai.count(same or self._gen_ai.series(attempt)[0], attempt)
            if attempt.error is not None and attempt.error not in _NOT_ITS_FAULT:
                self._errors.labels(KINDS[attempt.provider_kind].provider_name, error_label(attempt.error)).inc()
        if kept.tenant is not None:
            _count_tenant(kept.tenant, ended, attempts[-1].served if attempts else _NOTHING_SERVED)

    def _keep(self, alike: Alike, attempts: Sequence[Attempt]) -> _Kept:
        series, is_final = self._gen_ai.series(attempts[-1]) if attempts else (None, True)
        made = _Kept(
            self._kept_calls.get((alike.reason, alike.status)) or self._keep_calls(alike.reason, alike.status),
            self._durations[alike.fine_tuned],
            self._faults.get(alike.error or ""),
            series if is_final else None,
            self._tenants.of(alike.tenant, alike.fine_tuned) if self._tenants else None,
        )
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[alike] = made
        return made

    def _keep_refusal(self, error: str | None) -> Count:
        self._kept_refusals[error] = count = self._tallies.count(self._refused.labels(error or "none"))
        return count

    def _keep_calls(self, reason: str | None, status: int) -> Count:
        labels = (reason or "none", f"{status // 100}xx" if status else "none")
        self._kept_calls[reason, status] = count = self._tallies.count(self._calls.labels(*labels))
        return count


def _count_tenant(tallies: tuple[Count, Count, Count, Count], ended: Ended, answered: Served) -> None:
    """Counts a call and the attempt that answered it."""
    calls, inputs, outputs, cost = tallies
    calls.add()
    if answered.input_tokens:
        inputs.add(answered.input_tokens)
    if answered.output_tokens:
        outputs.add(answered.output_tokens)
    if ended.cost_usd:
        cost.add(ended.cost_usd)


class _TenantMetrics:
    """What is counted by tenant: of the first so many by name, of all others together."""

    def __init__(self, registry: CollectorRegistry, tallies: Tallies, most: int) -> None:
        self._tallies = tallies
        self._most = most
        self._names: set[str] = set()
        self._kept: dict[tuple[str, bool], tuple[Count, Count, Count, Count]] = {}
        labels = ("tenant", "fine_tuned")
        self._calls = Counter("housestyle_tenant_calls", "Calls by tenant.", labels, registry=registry)
        self._tokens = Counter(
            "housestyle_tenant_tokens", "Tokens by tenant and type.", (*labels, "type"), registry=registry
        )
        self._cost = Counter(
            "housestyle_tenant_cost_usd",
            "What calls cost, US dollars, by tenant; without those whose price is not known.",
            labels,
            registry=registry,
        )

    def of(self, tenant: str, fine_tuned: bool) -> tuple[Count, Count, Count, Count]:
        """The tallies of a tenant's calls: calls, tokens read, tokens written, US dollars."""
        return self._kept.get((tenant, fine_tuned)) or self._keep(tenant, fine_tuned)

    def _keep(self, tenant: str, fine_tuned: bool) -> tuple[Count, Count, Count, Count]:
        if tenant not in self._names and len(self._names) < self._most:
            self._names.add(tenant)
        if tenant not in self._names:
            tenant = OTHER  # a tenant's name may be that too: they are counted together then
            if (tenant, fine_tuned) in self._kept:
                return self._kept[tenant, fine_tuned]
        labels = (tenant, _word(fine_tuned))
        count = self._tallies.count
        self._kept[tenant, fine_tuned] = kept = (
            count(self._calls.labels(*labels)),
            count(self._tokens.labels(*labels, "input")),
            count(self._tokens.labels(*labels, "output")),
            count(self._cost.labels(*labels)),
        )
        return kept


def _word(value: bool) -> str:
    return "true" if value else "false"
