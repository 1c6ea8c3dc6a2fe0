"""The one log line of a call that was refused, failed or left by its caller; of another there is none. No prompt,
answer or secret is at hand here.
"""

import structlog

from gateway.call import CallState
from gateway.errors import GatewayError

log = structlog.get_logger(__name__)


def say(call: CallState) -> None:
    """Logs how a call has ended, if it has not ended well.

    `call_cancelled`: its caller left. `call_refused`: by the gateway, before anything went upstream. `call_failed`: on
    its way or at its upstream, whose status is the error then; with a traceback where the gateway itself is wrong.
    """
    error = call.error or (str(call.status) if call.status >= 400 else None)
    if call.bug is not None:
        event, write = "call_failed", log.error
    elif call.cancelled:
        event, write = "call_cancelled", log.info
    elif error is None:
        return
    elif call.attempts:
        event, write = "call_failed", log.warning
    else:
        event, write = "call_refused", log.info
    write(
        event,
        call_id=call.call_id,
        trace_id=call.trace.hex,
        tenant=call.routes.route.tenant if call.routes else None,
        endpoint=call.endpoint,
        status=call.status,
        error=error,
        exc_info=call.bug,
    )


def unread(call_id: str, error: GatewayError) -> None:
    """Logs a request whose head could not be read, or did not come to its end: what it was is not known."""
    log.info(
        "call_refused",
        call_id=call_id,
        trace_id=None,
        tenant=None,
        endpoint=None,
        status=error.kind.status,
        error=error.code,
    )
