"""A job followed on the command line: its state and how far the work in it has come, as a bar that moves.

What is asked for the job is handed in, so that the demo and `housestyle watch` show the same.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx2
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

STATES = ("queued", "snapshotting", "uploading", "training", "ready")
_LOOK_SECONDS = 0.1
_LOOK_REMOTE_SECONDS = 1.0

_KEYS = (
    "A platform admin's key does, or one of the tenant's own admins; a gateway with a Redis of its own keeps one in the"
    " file admin-key of its data directory."
)

Job = dict[str, Any]


class CannotWatch(Exception):
    """The job cannot be followed; the message is for whoever asked."""


def described(job: Mapping[str, Any]) -> str:
    """A job's state in a line, with what is under way in it."""
    come = job.get("progress")
    if not come:
        return str(job["status"])
    of = f" of {come['total']:,}" if come["total"] is not None else ""
    return f"{job['status']}: {come['stage']}, {come['done']:,}{of}"


def completed(job: Mapping[str, Any]) -> int:
    """What the job has behind it, in hundredths of a state."""
    if job["status"] not in STATES:
        return 0
    come = job.get("progress")
    part = min(1.0, come["done"] / come["total"]) if come and come["total"] else 0.0
    return 100 * STATES.index(job["status"]) + round(95 * part)


def follow(job: Job, look: Callable[[], Job], console: Console, *, seconds: float, pause: float = _LOOK_SECONDS) -> Job:
    """The job once it is over, or as it is after `seconds`."""
    columns = (TextColumn("   "), BarColumn(32), TextColumn("{task.description}"), TimeElapsedColumn())
    deadline = time.monotonic() + seconds
    with Progress(*columns, console=console, transient=False) as progress:
        bar = progress.add_task(described(job), total=100 * (len(STATES) - 1), completed=completed(job))
        while job["status"] in STATES[:-1] and time.monotonic() < deadline:
            time.sleep(pause)
            job = look()
            progress.update(bar, completed=completed(job), description=described(job))
    return job


def watch(url: str, key: str, tenant: str, job_id: str | None, console: Console) -> Job:
    """Follows a job of a running gateway until it is over; the newest where none is named. Raises CannotWatch."""
    if not key:
        raise CannotWatch(f"An admin's key is needed, by HOUSESTYLE_ADMIN_KEY or --key. {_KEYS}")
    _look_at(url)
    base = f"{url.rstrip('/')}/admin/api/tenants/{tenant}/jobs"
    with httpx2.Client(headers={"authorization": f"Bearer {key}"}, timeout=30) as http:

        def ask(path: str) -> Any:
            try:
                answer = http.get(base + path)
            except httpx2.TransportError as error:
                words = f"The gateway at {url} cannot be reached: {error}."
                raise CannotWatch(f"{words} Does it run, and is --url its admin API's address?") from None
            if answer.status_code != 200:
                raise CannotWatch(_words(answer))
            return answer.json()

        if job_id is None:
            newest = ask("?limit=1")["items"]
            if not newest:
                made = f"POST /admin/api/tenants/{tenant}/jobs makes one."
                raise CannotWatch(f"The tenant {tenant} has no jobs yet: {made}")
            job_id = newest[0]["id"]
        first = ask(f"/{job_id}")
        return follow(first, lambda: ask(f"/{job_id}"), console, seconds=float("inf"), pause=_LOOK_REMOTE_SECONDS)


def _look_at(url: str) -> None:
    """Raises CannotWatch where a gateway's address cannot look like that."""
    at = urlsplit(url)
    if at.scheme not in ("http", "https") or not at.netloc:
        raise CannotWatch(f"--url must be like http://127.0.0.1:8080, not {url!r}.")
    if at.path.rstrip("/").endswith("/v1"):
        raise CannotWatch(f"--url is the admin API's address, not the one that callers use: leave out /v1 in {url!r}.")


def _words(answer: httpx2.Response) -> str:
    try:
        said = str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"This is no gateway's answer (status {answer.status_code}); is the URL right?"
    return f"{said} {_KEYS}" if answer.status_code in (401, 403) else said
