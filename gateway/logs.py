"""Logs: one JSON object a line on standard error, ours and the libraries' alike. No prompt, answer or secret."""

import logging
import sys

import structlog

# Libraries that speak up when nothing is wrong.
_QUIET = {
    "docket": logging.WARNING,
    "httpx2": logging.WARNING,
    "opentelemetry": logging.WARNING,
    "opentelemetry.attributes": logging.ERROR,  # each attribute over a limit, of every span
    "opentelemetry.exporter.otlp.proto.http.trace_exporter": logging.CRITICAL,  # each failed export; we say it once
}


def configure() -> None:
    """Called once, by a process that is a program of ours."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                # The default would print every frame's locals, secrets included.
                structlog.processors.ExceptionRenderer(
                    structlog.tracebacks.ExceptionDictTransformer(show_locals=False),
                ),
                structlog.processors.JSONRenderer(),
            ],
        ),
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name, level in _QUIET.items():
        logging.getLogger(name).setLevel(level)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
