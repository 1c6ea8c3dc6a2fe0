"""The collector of spans, as `housestyle check` judges it. No call needs it, so that one which is away is no fault."""

import asyncio
import os
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from gateway import span_sender
from gateway.checks.findings import Finding, note, ok, wrong

_SECONDS = 5.0
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_USUAL = "http://localhost:4318"
_PORTS = {"http": 80, "https": 443}
_GRPC_PORT = 4317


async def judge(environ: Mapping[str, str]) -> list[Finding]:
    """Whether spans are sent, in which form, and whether the collector takes a connection."""
    exporters = {name.strip() for name in environ.get("OTEL_TRACES_EXPORTER", "otlp").split(",")}
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true" or "otlp" not in exporters:
        return [ok("spans", "They are not sent to a collector, by OTEL_TRACES_EXPORTER or OTEL_SDK_DISABLED.")]
    return [*_protocol(environ), await _reached(environ)]


def _protocol(environ: Mapping[str, str]) -> list[Finding]:
    variable, asked = span_sender.protocol(environ)
    if not asked or asked in span_sender.SUPPORTED_PROTOCOLS:
        return []
    words = (
        f"{variable} is {asked}, which the gateway does not speak: it sends {span_sender.USUAL_PROTOCOL} all the same. "
    )
    known = " or ".join(span_sender.SUPPORTED_PROTOCOLS)
    return [
        wrong("spans", f"{words}Set it to {known}, and the endpoint to the collector's port for HTTP, usually 4318.")
    ]


async def _reached(environ: Mapping[str, str]) -> Finding:
    named = next((environ[name] for name in _ENDPOINTS if environ.get(name)), None)
    parts = urlsplit(named or _USUAL)
    try:
        host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        host, port = None, None
    if host is None or port is None:
        return wrong("spans", f"{_ENDPOINTS[1]} is not a URL: write http://host:4318.")
    try:
        async with asyncio.timeout(_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
    except OSError as error:  # TimeoutError is one
        why = _why(error)
        if named is None:
            words = f"No collector is set, and none listens on {host}:{port}. Set {_ENDPOINTS[1]}"
            return note("spans", f"{words}, or OTEL_TRACES_EXPORTER=none.")
        words = (
            f"The collector at {host}:{port} cannot be reached: {why}. Calls go on; until it is there, spans are lost"
        )
        return note("spans", f"{words}, and Why records are kept.")
    writer.close()
    reached = f"The collector at {host}:{port} takes connections"
    if port == _GRPC_PORT:
        return note("spans", f"{reached}; {port} is usually for gRPC, and spans go over HTTP, usually to 4318.")
    return ok("spans", f"{reached}.")


def _why(error: OSError) -> str:
    """In words: asyncio's own say which call failed."""
    if isinstance(error, TimeoutError):
        return f"it did not answer in {_SECONDS:g} s"
    if isinstance(error, socket.gaierror) or not error.errno:
        return error.strerror or str(error)
    return os.strerror(error.errno)
