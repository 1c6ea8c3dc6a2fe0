"""What the GenAI conventions want counted of each attempt at an upstream: its duration, its first chunk, its tokens.

The names are those of version 1.36, which dashboards know; `OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental`
gives the newest instead. A caller chooses what a model is called, so the label of it is bounded.
Source: semantic-conventions-genai, "Client inference", "Inference token metrics" and "Generative AI metrics"; how an
OpenTelemetry name becomes one of Prometheus's: OpenTelemetry specification, "Prometheus and OpenMetrics Compatibility".
"""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram

from gateway.errors import TABLE
from gateway.spans import Attempt
from gateway.tallies import Count, Distribution, Tallies
from gateway.wire.kinds import KINDS
from gateway.wire.served import Served

OPT_IN = "OTEL_SEMCONV_STABILITY_OPT_IN"
_LATEST = "gen_ai_latest_experimental"

_DURATIONS = tuple(0.01 * 2**power for power in range(14))
_FIRST_CHUNKS = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_TOKENS = tuple(4**power for power in range(14))
_LABELS = ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model")
_INFERENCE = frozenset({"chat", "text_completion"})

# Errors that are labels: ours, and the usual statuses. A provider may answer with any status and any code.
_STATUSES = (400, 401, 402, 403, 404, 408, 409, 413, 415, 422, 424, 429, 499, 500, 501, 502, 503, 504, 520, 524, 529)
_ERRORS = frozenset({"cancelled", *TABLE, *map(str, _STATUSES)})
_MOST_MODELS = 100
_MODEL_LENGTH = 128
OTHER = "other"

_Names = tuple[str, str, str]


def wants_latest(environ: Mapping[str, str]) -> bool:
    """Whether the newest names are asked for."""
    return _LATEST in {word.strip() for word in environ.get(OPT_IN, "").split(",")}


def error_label(error: str | None) -> str:
    """An attempt's error as a label: a code of ours, a status, the class of an unusual one, `provider_error` for a code
    of the provider's own; "" for none."""
    if error is None or error in _ERRORS:
        return error or ""
    return f"{error[0]}xx" if error.isdigit() else "provider_error"


class Models:
    """Which models are labels: those that have answered, as long as they are few. A fine-tune goes by its base."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def label(self, attempt: Attempt) -> str:
        """The model's label; "" where the attempt names none."""
        model = attempt.routed_model
        if not model:
            return ""
        if model.startswith("ft:"):
            model = ":".join(model.split(":", 2)[:2])
        elif attempt.fine_tuned:
            return "fine-tuned"
        model = model[:_MODEL_LENGTH]
        if model not in self._known:
            answered = attempt.status is not None and attempt.status < 300
            if not answered or len(self._known) >= _MOST_MODELS:
                return OTHER
            self._known.add(model)
        return model


class GenAiMetrics:
    """The instruments, under the one set of names or the other."""

    def __init__(self, registry: CollectorRegistry, tallies: Tallies, *, latest: bool) -> None:
        instruments = _Latest if latest else _Usual
        self._instruments = instruments(registry, tallies)
        self._models = Models()
        self._series: dict[tuple[_Names, str], Series] = {}

    def series(self, attempt: Attempt) -> "tuple[Series, bool]":
        """The tallies of an attempt that is over; and whether the next that is like it has the same, which it may not
        where its model is none of the labels yet."""
        label = self._models.label(attempt)
        labels = (attempt.operation, KINDS[attempt.provider_kind].provider_name, label), error_label(attempt.error)
        series = self._series.get(labels)
        if series is None:
            series = self._series[labels] = self._instruments.series(*labels)
        return series, label != OTHER

    def count(self, series: "Series", attempt: Attempt) -> None:
        """Counts an attempt that is over."""
        first = attempt.first_chunk if attempt.stream else None
        series.count(
            (attempt.ended - attempt.started) / 1e9,
            None if first is None else (first - attempt.started) / 1e9,
            attempt.served,
        )


class _Usual:
    """The names of version 1.36, and of the first chunk, which came a little later."""

    class Series:
        """What is counted under one set of labels."""

        __slots__ = ("duration", "first_chunk", "input_tokens", "output_tokens")

        def __init__(self, duration: Distribution, first_chunk: Distribution, tokens: tuple[Distribution, ...]) -> None:
            self.duration = duration
            self.first_chunk = first_chunk
            self.input_tokens, self.output_tokens = tokens

        def count(self, seconds: float, first_chunk: float | None, served: Served) -> None:
            """One attempt."""
            self.duration.observe(seconds)
            if first_chunk is not None:
                self.first_chunk.observe(first_chunk)
            if served.input_tokens is not None:
                self.input_tokens.observe(served.input_tokens)
            if served.output_tokens is not None:
                self.output_tokens.observe(served.output_tokens)

    def __init__(self, registry: CollectorRegistry, tallies: Tallies) -> None:
        self._tallies = tallies
        self._duration = Histogram(
            "gen_ai_client_operation_duration_seconds",
            "Time that an attempt at an upstream took, to its answer's end.",
            (*_LABELS, "error_type"),
            buckets=_DURATIONS,
            registry=registry,
        )
        self._first_chunk = Histogram(
            "gen_ai_client_operation_time_to_first_chunk_seconds",
            "Time until the first chunk of a streamed answer.",
            _LABELS,
            buckets=_FIRST_CHUNKS,
            registry=registry,
        )
        self._tokens = Histogram(
            "gen_ai_client_token_usage",
            "Tokens that an attempt took, by type; cached ones are input.",
            (*_LABELS, "gen_ai_token_type"),
            buckets=_TOKENS,
            registry=registry,
        )

    def series(self, names: _Names, error: str) -> Series:
        """The tallies of these labels."""
        distribution = self._tallies.distribution
        tokens = tuple(distribution(self._tokens.labels(*names, kind)) for kind in ("input", "output"))
        duration = distribution(self._duration.labels(*names, error))
        return self.Series(duration, distribution(self._first_chunk.labels(*names)), tokens)


class _Latest:
    """The newest names. Other operations than inference keep the duration's old one, and tell of no tokens."""

    class Series:
        """What is counted under one set of labels."""

        __slots__ = ("counters", "duration", "first_chunk", "histograms")

        def __init__(
            self,
            duration: Distribution,
            first_chunk: Distribution | None,
            counters: tuple[Count, ...],
            histograms: tuple[Distribution, ...],
        ) -> None:
            self.duration = duration
            self.first_chunk = first_chunk
            self.counters = counters
            self.histograms = histograms

        def count(self, seconds: float, first_chunk: float | None, served: Served) -> None:
            """One attempt."""
            self.duration.observe(seconds)
            if self.first_chunk is None:
                return
            if first_chunk is not None:
                self.first_chunk.observe(first_chunk)
            tokens = (
                served.input_tokens,
                served.output_tokens,
                served.cached_tokens,
                served.cache_creation_tokens,
                served.reasoning_tokens,
            )
            for counter, number in zip(self.counters, tokens, strict=True):
                if number:
                    counter.add(number)
            for histogram, number in zip(self.histograms, tokens, strict=False):
                if number is not None:
                    histogram.observe(number)

    def __init__(self, registry: CollectorRegistry, tallies: Tallies) -> None:
        self._tallies = tallies
        self._durations = {
            inference: Histogram(
                f"gen_ai_client_{'inference' if inference else 'operation'}_duration_seconds",
                f"Time that an attempt at an upstream took{'' if inference else ', other than inference'}.",
                (*_LABELS, "error_type"),
                buckets=_DURATIONS,
                registry=registry,
            )
            for inference in (True, False)
        }
        self._first_chunk = Histogram(
            "gen_ai_client_inference_time_to_first_chunk_seconds",
            "Time until the first chunk of a streamed answer.",
            _LABELS,
            buckets=_FIRST_CHUNKS,
            registry=registry,
        )
        self._counters = tuple(
            Counter(
                f"gen_ai_client_inference_usage_{kind}_tokens",
                f"Tokens: {words}.",
                (*_LABELS, "gen_ai_token_modality"),
                registry=registry,
            )
            for kind, words in (
                ("input", "input, cached ones included"),
                ("output", "output, reasoning included"),
                ("cache_read_input", "input that was read from the provider's cache"),
                ("cache_write_input", "input that was written to the provider's cache"),
                ("reasoning_output", "output that was reasoning"),
            )
        )
        self._histograms = tuple(
            Histogram(
                f"gen_ai_client_inference_operation_{kind}_tokens",
                f"{kind.capitalize()} tokens of an attempt.",
                _LABELS,
                buckets=_TOKENS,
                registry=registry,
            )
            for kind in ("input", "output")
        )

    def series(self, names: _Names, error: str) -> Series:
        """The tallies of these labels."""
        distribution = self._tallies.distribution
        inference = names[0] in _INFERENCE
        duration = distribution(self._durations[inference].labels(*names, error))
        if not inference:
            return self.Series(duration, None, (), ())
        return self.Series(
            duration,
            distribution(self._first_chunk.labels(*names)),
            tuple(self._tallies.count(counter.labels(*names, "unknown")) for counter in self._counters),
            tuple(distribution(histogram.labels(*names)) for histogram in self._histograms),
        )


Series = _Usual.Series | _Latest.Series
