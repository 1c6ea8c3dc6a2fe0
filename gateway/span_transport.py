"""A batch's bytes to a collector, by the SDK's own exporter. No queue, no thread; what the bytes say is not known here.

Imported by the sender once it is to send: it brings requests and urllib3.
"""

import contextlib
import gzip
import os
import zlib
from collections.abc import Callable
from typing import Any

import requests
from google.protobuf.json_format import Parse
from msgspec import Struct
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import SpanContext

_LONGEST_CAUSE = 300
_COMPRESS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress}


class Sent(Struct, frozen=True):
    """What became of a batch. `taken`: whether the collector took it; `rejected`: how many spans of one that it took it
    says it has left out. `cause`: why not, or why not those."""

    taken: bool
    rejected: int = 0
    cause: str = ""


class Transport:
    """Bytes through the SDK's OTLPSpanExporter: its endpoint, headers, TLS, compression, retries and time-outs.

    The exporter has no public way in for bytes, but takes a session of requests' as an argument. It is given one span,
    and the session puts the batch in the place of that span's bytes.
    """

    def __init__(self, content_type: str, timeout: float) -> None:
        self._stand_in = (ReadableSpan("", SpanContext(1, 1, is_remote=False), resource=Resource.get_empty()),)
        self._session = _Session(content_type)
        self._exporter = OTLPSpanExporter(session=self._session, timeout=timeout)

    def send(self, batch: bytes) -> Sent:
        """Takes as long as the exporter's time-out allows."""
        self._session.carry(batch)
        done = self._exporter.export(self._stand_in)
        sent = self._session.sent
        return (
            sent if done is SpanExportResult.SUCCESS or not sent.taken else Sent(taken=False, cause="it was given up")
        )

    def shutdown(self) -> None:
        """Ends the wait for another try, and the connections."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # the SDK has no type here


class _Session(requests.Session):
    """Sends what it was told to carry, whatever else it is asked to send; compressed as the headers say. `sent`: what
    became of it at the last try."""

    def __init__(self, content_type: str) -> None:
        super().__init__()
        self.sent = Sent(taken=False)
        self._content_type = content_type
        self._batch = b""
        self._compressed: tuple[str, bytes] | None = None
        self._environment: Any = None

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """Proxies and certificates, read from the environment once: every request goes to the same place.

        Authorities: the exporter's own, else SSL_CERT_FILE's, else those that requests knows of.
        """
        if self._environment is None:
            self._environment = super().merge_environment_settings(url, proxies, stream, verify, cert)
            authorities = self.verify if isinstance(self.verify, str) else os.environ.get("SSL_CERT_FILE")
            if authorities:
                self._environment["verify"] = authorities
        return self._environment

    def carry(self, batch: bytes) -> None:
        """What the next requests are to send."""
        self._batch = batch
        self._compressed = None
        self.sent = Sent(taken=False, cause="the exporter has found another way")

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """See requests.Session. No redirect is followed: OTLP has none, and a GET would go without the spans."""
        request.prepare_body(self._body(str(request.headers.get("content-encoding", ""))), None)
        request.headers["content-type"] = self._content_type
        try:
            response = super().send(request, **{**kwargs, "allow_redirects": False})
        except requests.RequestException as error:
            self.sent = Sent(taken=False, cause=f"{type(error).__name__}: {error}"[:_LONGEST_CAUSE])
            raise
        self.sent = answered(response)
        return response

    def _body(self, encoding: str) -> bytes:
        """Compressed once, however often it is sent."""
        if self._compressed is None or self._compressed[0] != encoding:
            compress = _COMPRESS.get(encoding)
            self._compressed = (encoding, compress(self._batch) if compress else self._batch)
        return self._compressed[1]


def answered(response: requests.Response) -> Sent:
    """What a collector's answer says. One that is no OTLP has taken the batch, if its status says so.

    Source: OTLP specification 1.x, "OTLP/HTTP Response", "Partial Success".
    """
    if not 200 <= response.status_code < 300:
        return Sent(taken=False, cause=f"it answered {response.status_code}")
    said = ExportTraceServiceResponse()
    with contextlib.suppress(Exception):  # whatever a collector says beside its status
        if "json" in response.headers.get("content-type", ""):
            Parse(response.content, said, ignore_unknown_fields=True)
        else:
            said.ParseFromString(response.content)
    partial = said.partial_success
    return Sent(taken=True, rejected=max(0, partial.rejected_spans), cause=partial.error_message[:_LONGEST_CAUSE])
