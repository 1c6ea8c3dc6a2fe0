"""What the manager needs of a provider that fine-tunes, and how a provider may fail. No provider in particular."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Protocol

import httpx2
from msgspec import Struct

from finetune.curves import Point
from finetune.values import Checkpoint

Phase = Literal["running", "succeeded", "failed", "cancelled"]


class Access(Struct, frozen=True):
    """How to reach a tenant's provider."""

    kind: str
    base_url: str
    api_key: str | None
    sealed_account: str | None = None  # which account this is, for the data plane alone to read

    def __repr__(self) -> str:
        return f"Access({self.kind}, {self.base_url})"  # never the credential


class Order(Struct, frozen=True):
    """A job to be made at the provider. `uid` finds it again, whatever becomes of the answer."""

    uid: str
    base_model: str
    training_file_id: str
    hyperparameters: dict[str, Any]
    seed: int | None = None
    validation_file_id: str | None = None


class ProviderJob(Struct, frozen=True):
    """A job as the provider tells it. `status` in its own words; one that is not known is `running`."""

    id: str
    status: str
    phase: Phase
    fine_tuned_model: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    trained_tokens: int | None = None
    result_files: tuple[str, ...] = ()


class ProviderEvent(Struct, frozen=True):
    """A line that the provider wrote about a job. `point`: what it measured, where the line says that."""

    id: str
    message: str
    level: str = "info"
    point: Point | None = None


class Refused(Exception):
    """The provider will not do it, now or later. `code` is a job's error code; `message` the provider's words."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class TryAgain(Exception):
    """It did not work this time. `after` in seconds, where the provider says; `effect_possible`: it may have
    happened all the same; `answered`: the provider is done with the request, nothing is under way any more; `busy`:
    the provider takes no more at the moment."""

    def __init__(
        self,
        message: str,
        *,
        after: float | None = None,
        effect_possible: bool = True,
        answered: bool = True,
        busy: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.after = after
        self.effect_possible = effect_possible
        self.answered = answered
        self.busy = busy


class Backend(Protocol):
    """A provider that fine-tunes. Every method raises Refused or TryAgain, and nothing else that is expected."""

    async def check(self) -> None:
        """Whether this backend makes jobs at all; asks nobody."""

    async def find_file(self, name: str, size: int) -> str | None:
        """The id of a file uploaded earlier under this name, of this many bytes."""

    async def upload(self, name: str, file: Path) -> str:
        """Uploads a training or validation file; its id."""

    async def delete_file(self, file_id: str) -> None:
        """Deletes an uploaded file. One that is gone already is no error."""

    async def find_job(self, uid: str) -> ProviderJob | None:
        """The job that was made for `uid`, if one was."""

    async def create_job(self, order: Order) -> ProviderJob:
        """Makes a job. Never retries by itself: the answer to a failure is `find_job`."""

    async def job(self, provider_job_id: str) -> ProviderJob:
        """The job as it is now. Refused `provider_job_missing` if it is gone."""

    async def events(self, provider_job_id: str, after: str | None) -> list[ProviderEvent]:
        """What the provider wrote since its event `after`, oldest first; empty where it writes nothing."""

    async def checkpoints(self, provider_job_id: str) -> list[Checkpoint]:
        """The models kept on the way, by step; empty where the provider keeps none."""

    async def results(self, file_ids: tuple[str, ...]) -> list[Point]:
        """The training curve from the job's result files, by step."""

    async def cancel(self, provider_job_id: str) -> None:
        """Asks for the job's end. A job that is over already is no error."""

    async def is_usable(self, model: str) -> bool:
        """Whether calls can name the model yet."""

    async def close(self) -> None:
        """Closes what is open."""


# How a backend is made: `http` is a client behind the address guard.
Factory = Callable[[Access, httpx2.AsyncClient], Backend]
