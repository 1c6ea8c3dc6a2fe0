"""What the translator's process says of itself: a JSON object a line on standard error. No prompt, answer or secret."""

import json
import sys
from datetime import UTC, datetime
from typing import Any


def say(event: str, level: str, **fields: Any) -> None:
    """One line; its form is that of the gateway's log."""
    at = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    sys.stderr.write(json.dumps({**fields, "event": event, "level": level, "timestamp": at}) + "\n")
    sys.stderr.flush()
