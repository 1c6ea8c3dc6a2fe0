"""Fine-tuning through the OpenAI API, at OpenAI or anywhere else that speaks it, with the official SDK.

Source: OpenAI API reference, "Fine-tuning" and "Files". Every call is made once: retries are the manager's, who
looks first whether the last try had its effect.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import Awaitable, Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx2
import openai
from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent

from finetune import curves
from finetune.backends.base import Access, Order, Phase, ProviderEvent, ProviderJob, Refused, TryAgain
from finetune.curves import Point
from finetune.values import Checkpoint

# A create that has not been answered by then is looked up; the manager's settling time is longer.
CREATE_SECONDS = 15.0
_SECONDS = 30.0
_UPLOAD_SECONDS = 900.0
_MOST_EVENTS = 2000

# A status that is not here (the API may add some) is not an end.
_PHASES: dict[str, Phase] = {"succeeded": "succeeded", "failed": "failed", "cancelled": "cancelled"}


class OpenAIBackend:
    """See Backend."""

    def __init__(self, access: Access, http: httpx2.AsyncClient) -> None:
        self._client = openai.AsyncOpenAI(
            api_key=access.api_key or "none",
            base_url=access.base_url,
            max_retries=0,
            timeout=_SECONDS,
            http_client=http,
        )

    async def check(self) -> None:
        """See Backend."""

    async def find_file(self, name: str, size: int) -> str | None:
        """See Backend."""
        with _told():
            async for file in self._client.files.list(purpose="fine-tune"):
                if file.filename == name and file.bytes == size:
                    return file.id
        return None

    async def upload(self, name: str, file: Path) -> str:
        """See Backend."""
        with _told(), file.open("rb") as content:
            created = await self._client.files.create(
                file=(name, content, "application/jsonl"),
                purpose="fine-tune",
                timeout=_UPLOAD_SECONDS,
            )
        return created.id

    async def delete_file(self, file_id: str) -> None:
        """See Backend."""
        with _told(), contextlib.suppress(openai.NotFoundError):
            await self._client.files.delete(file_id)

    async def find_job(self, uid: str) -> ProviderJob | None:
        """See Backend."""
        with _told():
            async for job in self._client.fine_tuning.jobs.list(metadata={"job_uid": uid}):
                # A provider that does not know the filter lists every job.
                if (job.metadata or {}).get("job_uid") == uid:
                    return _job(job)
        return None

    async def create_job(self, order: Order) -> ProviderJob:
        """See Backend. The suffix shows in ids and logs, so it names no firm."""
        extra: dict[str, Any] = {"seed": order.seed} if order.seed is not None else {}
        if order.validation_file_id is not None:
            extra["validation_file"] = order.validation_file_id
        supervised: Any = {"hyperparameters": order.hyperparameters} if order.hyperparameters else {}
        with _told():
            job = await self._in_time(
                self._client.fine_tuning.jobs.create(
                    model=order.base_model,
                    training_file=order.training_file_id,
                    suffix=f"hs-{order.uid[-8:]}",
                    metadata={"job_uid": order.uid},
                    method={"type": "supervised", "supervised": supervised},
                    **extra,
                ),
            )
            return _job(job)

    @staticmethod
    async def _in_time(create: Awaitable[FineTuningJob]) -> FineTuningJob:
        """The SDK's own time-out is one for each read; this is one for all of it."""
        try:
            async with asyncio.timeout(CREATE_SECONDS):
                return await create
        except TimeoutError:
            raise TryAgain("The provider did not answer in time.", answered=False) from None

    async def job(self, provider_job_id: str) -> ProviderJob:
        """See Backend."""
        with _told(missing="provider_job_missing"):
            return _job(await self._client.fine_tuning.jobs.retrieve(provider_job_id))

    async def events(self, provider_job_id: str, after: str | None) -> list[ProviderEvent]:
        """See Backend. The API lists the newest first."""
        found: list[ProviderEvent] = []
        with _told(), _none_without_route():
            async for event in self._client.fine_tuning.jobs.list_events(provider_job_id, limit=100):
                if event.id == after or len(found) == _MOST_EVENTS:
                    break
                found.append(_event(event))
        return found[::-1]

    async def checkpoints(self, provider_job_id: str) -> list[Checkpoint]:
        """See Backend."""
        found: list[Checkpoint] = []
        with _told(), _none_without_route():
            async for kept in self._client.fine_tuning.jobs.checkpoints.list(provider_job_id, limit=100):
                measured = kept.metrics.model_dump(exclude_none=True) if kept.metrics else {}
                model = kept.fine_tuned_model_checkpoint
                found.append(Checkpoint(kept.id, int(kept.step_number), model, measured))
        return sorted(found, key=lambda kept: kept.step)

    async def results(self, file_ids: tuple[str, ...]) -> list[Point]:
        """See Backend."""
        points: list[Point] = []
        for file_id in file_ids:
            with _told(), _none_without_route():
                answer = await self._client.files.content(file_id)
                points += curves.parse_results(answer.content)
        return curves.merged(points)

    async def cancel(self, provider_job_id: str) -> None:
        """See Backend."""
        with _told(), contextlib.suppress(openai.BadRequestError, openai.ConflictError):
            await self._client.fine_tuning.jobs.cancel(provider_job_id)

    async def is_usable(self, model: str) -> bool:
        """See Backend."""
        try:
            with _told(missing="model_not_found"):
                found = await self._client.models.retrieve(model)
                if found.id != model:
                    raise TypeError("another model than was asked for")
        except Refused as refused:
            if refused.code == "model_not_found":
                return False
            raise
        return True

    async def close(self) -> None:
        """See Backend."""
        await self._client.close()


def _job(job: FineTuningJob) -> ProviderJob:
    """The SDK does not check what it is given, so this does. Raises TypeError."""
    if not isinstance(job.id, str) or not isinstance(job.status, str):
        raise TypeError("a job without id or status")
    error = job.error if job.error and job.error.message else None
    return ProviderJob(
        id=job.id,
        status=job.status,
        phase=_PHASES.get(job.status, "running"),
        fine_tuned_model=job.fine_tuned_model,
        error_code=error.code if error else None,
        error_message=error.message if error else None,
        trained_tokens=job.trained_tokens,
        result_files=tuple(name for name in job.result_files or () if isinstance(name, str)),
    )


def _event(event: FineTuningJobEvent) -> ProviderEvent:
    """The SDK does not check what it is given, so this does. Raises TypeError."""
    if not isinstance(event.id, str) or not isinstance(event.message, str):
        raise TypeError("an event without id or message")
    measured = curves.point(event.data) if isinstance(event.data, dict) else None
    return ProviderEvent(event.id, event.message, str(event.level), measured)


@contextlib.contextmanager
def _none_without_route() -> Iterator[None]:
    """Servers that speak the API without this part of it have nothing to tell."""
    with contextlib.suppress(openai.NotFoundError):
        try:
            yield
        except openai.APIStatusError as error:
            if error.status_code not in (405, 501):
                raise


@contextlib.contextmanager
def _told(missing: str = "training_failed") -> Iterator[None]:
    """Maps the SDK's errors, keeping the provider's words. `missing` is what a 404 means."""
    try:
        yield
    except openai.APITimeoutError:
        raise TryAgain("The provider did not answer in time.", answered=False) from None
    except openai.APIConnectionError as error:
        raise TryAgain(f"The provider could not be reached: {error.__cause__ or error}", answered=False) from None
    except openai.APIStatusError as error:
        raise _status_error(error, missing) from None
    except (openai.APIError, AttributeError, TypeError, ValueError) as error:
        words = f"The provider did not answer as the OpenAI API does ({error}); is its `base_url` right?"
        raise TryAgain(words) from None


def _status_error(error: openai.APIStatusError, missing: str) -> Refused | TryAgain:
    words = words_of(error)
    status = error.status_code
    if status in (401, 403):
        return Refused("provider_auth_failed", words)
    if status == 404:
        return Refused(missing, words)
    if status == 429:
        return TryAgain(words, after=retry_after(error.response), effect_possible=False, busy=True)
    if status >= 500 or status in (408, 409):
        # A proxy's answer is not the provider's: behind it the request may still be under way.
        return TryAgain(words, after=retry_after(error.response), answered=status in (500, 501))
    if error.param == "model" or error.code in ("model_not_found", "model_not_available"):
        return Refused("base_model_not_tunable", words)
    if error.param in ("training_file", "file") or "file" in (error.code or ""):
        return Refused("training_file_rejected", words)
    return Refused("training_failed", words)


def words_of(error: openai.APIStatusError) -> str:
    """The provider's words, without the key that it may repeat."""
    body = error.body
    message = body.get("message") if isinstance(body, dict) else None
    words = f"The provider answered {error.status_code}: {message or error.message}"
    # Some repeat the key that they refuse, and these words are kept in the job.
    key = error.request.headers.get("authorization", "").removeprefix("Bearer ")
    return words.replace(key, "…") if key else words


def retry_after(response: httpx2.Response) -> float | None:
    """Seconds, at most an hour; in either of the header's forms (RFC 9110, 10.2.3)."""
    value = response.headers.get("retry-after", "")
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            return None
    return max(0.0, min(seconds, 3600.0)) if math.isfinite(seconds) else None
