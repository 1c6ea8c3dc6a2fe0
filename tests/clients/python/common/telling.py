"""How a client's program tells what it got: one JSON line a case. The standard library alone, for any environment."""

import asyncio
import inspect
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

OURS = ("x-call-id", "x-fine-tuned", "x-model-reason")  # what the gateway says of a call


def tell(cases: Mapping[str, Callable[[str], Any]]) -> None:
    """Runs the cases named on the command line, of a program's globals; each gets its name, and returns or raises."""
    for name in sys.argv[1:]:
        sys.stdout.write(json.dumps({"case": name, **_got(cases[name], name)}) + "\n")
        sys.stdout.flush()


def _got(case: Callable[[str], Any], name: str) -> dict[str, Any]:
    try:
        got = case(name)
        return dict(asyncio.run(got) if inspect.isawaitable(got) else got)
    except Exception as error:  # noqa: BLE001 - whatever the client raises is what is asked for
        library = type(error).__module__.partition(".")[0]
        status = getattr(error, "status_code", None)
        return {"raised": type(error).__name__, "library": library, "status": status, "message": str(error)}


def pieces(parts: list[str]) -> dict[str, Any]:
    """A text that came in pieces: whole, and in how many."""
    return {"text": "".join(parts), "pieces": len(parts)}
