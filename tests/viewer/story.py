"""The story that the test and the picture share: a firm's calls through a real gateway whose spans go to Phoenix.

One call of each way it can go: stock, the firm's own model (whole, streamed, unsampled), failed, fallen back. Some are
made inside a workflow that has a span of its own in the same viewer. Nothing is judged here.
"""

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from tests.support.admin import STOCK, Admin
from tests.support.firms import Firm
from tests.support.processes import gateway_environ, running, wait_until
from tests.support.vaults import write_vault
from tests.viewer.phoenix import Phoenix

CHAT = {"method": "POST", "path": "/v1/chat/completions"}
WORKFLOW = "Draft the clause on notices"


class Ids(Struct, frozen=True):
    """A trace and a span in it, as W3C Trace Context writes them."""

    trace_id: str
    span_id: str

    def traceparent(self, *, sampled: bool = True) -> str:
        """For the calls made inside that span."""
        return f"00-{self.trace_id}-{self.span_id}-0{int(sampled)}"


class Story(Struct, frozen=True):
    """What happened. `calls`: each call's id by what became of it. `workflow`: the Assistant's span around those of
    `INSIDE`; `unsampled`: a span that nobody recorded."""

    firm: Firm
    phoenix: Phoenix
    job: dict[str, Any]
    workflow: Ids
    unsampled: Ids
    calls: dict[str, str]

    def why(self, name: str) -> Any:
        """The Why record of a call, once it is there."""
        path = f"{self.firm.path}/why/{self.calls[name]}"
        wait_until(lambda: self.firm.admin.ask("GET", path).status_code == 200, what=f"the Why record of {name}")
        return self.firm.admin.get(path)


INSIDE = ("tuned", "streamed", "fallen")


@contextlib.contextmanager
def told(phoenix: Phoenix, folder: Path) -> Iterator[Story]:
    """A gateway and a sandbox for as long as the story is looked at, and the story."""
    data = folder / "data"
    vault = write_vault(data / "vaults" / "harrow-and-pell.jsonl", 20)
    environ = gateway_environ(
        data,
        OTEL_TRACES_EXPORTER="otlp",
        OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
        OTEL_EXPORTER_OTLP_ENDPOINT=phoenix.url,
        OTEL_BSP_SCHEDULE_DELAY="50",
    )
    with contextlib.ExitStack() as stack:
        sandbox = running(["sandbox", "--port", "0", "--step-seconds", "0.05"], {}, folder / "sandbox.log")
        provider = stack.enter_context(sandbox).url
        gateway = stack.enter_context(running(["serve", "--port", "0"], environ, folder / "gateway.log"))
        admin = stack.enter_context(Admin(gateway.url))
        firm = Firm(admin, provider, tenant="harrow-and-pell", vault=vault)
        stack.callback(firm.close)
        yield _tell(firm, phoenix)


def _tell(firm: Firm, phoenix: Phoenix) -> Story:
    calls = {"stock": _call(firm)}
    job = firm.ready_job()
    firm.activate(job)
    with _working(phoenix) as workflow:
        calls["tuned"] = _call(firm, workflow.traceparent())
        calls["streamed"] = _call(firm, workflow.traceparent(), stream=True)
        unsampled = Ids(secrets.token_hex(16), secrets.token_hex(8))
        calls["unsampled"] = _call(firm, unsampled.traceparent(sampled=False))
        firm.account.order("error_before", CHAT)
        calls["failed"] = _call(firm)
        firm.account.order("refuse_model", {}, model=job["fine_tuned_model"])
        calls["fallen"] = _call(firm, workflow.traceparent())
    return Story(firm, phoenix, job, workflow, unsampled, calls)


def _call(firm: Firm, traceparent: str | None = None, **more: Any) -> str:
    """A call of the Assistant's; its id."""
    headers = {"x-workflow": "assistant", **({"traceparent": traceparent} if traceparent else {})}
    return str(firm.say(STOCK, headers, **more).headers["x-call-id"])


@contextlib.contextmanager
def _working(phoenix: Phoenix) -> Iterator[Ids]:
    """A span of the Assistant's own, sent to the viewer when it ends."""
    provider = TracerProvider(ALWAYS_ON, Resource({"service.name": "assistant"}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{phoenix.url}/v1/traces")))
    span = provider.get_tracer("assistant").start_span(WORKFLOW, attributes={"openinference.span.kind": "CHAIN"})
    context = span.get_span_context()
    try:
        yield Ids(f"{context.trace_id:032x}", f"{context.span_id:016x}")
    finally:
        span.end()
        provider.shutdown()
