"""The models that a provider refused a moment ago, so that no call tries them again too soon."""

import time
from collections.abc import Callable

REMEMBERED_SECONDS = 30.0


class RefusedModels:
    """(tenant, model) → until when. `clock` gives seconds, monotonic."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[tuple[str, str], float] = {}

    def add(self, tenant: str, model: str) -> None:
        """The tenant's provider refused the model just now."""
        now = self._clock()
        self._until = {place: until for place, until in self._until.items() if until > now}
        self._until[tenant, model] = now + REMEMBERED_SECONDS

    def has(self, tenant: str, model: str) -> bool:
        """Whether it did so less than 30 s ago."""
        until = self._until.get((tenant, model))
        return until is not None and self._clock() < until
