"""Which tenants' a fine-tuned model is, by provider account and model. One compact entry for each model.

Values only; what they follow from is in `compiling.py`.
"""

import hashlib
from collections.abc import Iterator, Mapping

_DIGEST_BYTES = 16


class Owners(Mapping[tuple[str, str], tuple[str, ...]]):
    """Tenants by (provider account, model as `substitution.known_as` has it).

    Held under a digest of the two, since with 100,000 tenants the texts alone would be 20 MB; so the places themselves
    cannot be listed.
    """

    def __init__(self) -> None:
        self._tenants: dict[bytes, str | tuple[str, ...]] = {}  # almost always one

    def __getitem__(self, place: tuple[str, str]) -> tuple[str, ...]:
        found = self._tenants[_digest(place)]
        return (found,) if isinstance(found, str) else found

    def __iter__(self) -> Iterator[tuple[str, str]]:
        raise TypeError("owners are looked up, not listed")

    def __len__(self) -> int:
        return len(self._tenants)

    def add(self, place: tuple[str, str], tenant: str) -> None:
        """The model at this place is `tenant`'s, perhaps beside others'."""
        known = self.get(place, ())
        if tenant not in known:
            self._tenants[_digest(place)] = (*known, tenant) if known else tenant

    def remove(self, place: tuple[str, str], tenant: str) -> None:
        """It is `tenant`'s no longer."""
        left = tuple(owner for owner in self.get(place, ()) if owner != tenant)
        if len(left) > 1:
            self._tenants[_digest(place)] = left
        elif left:
            self._tenants[_digest(place)] = left[0]
        else:
            self._tenants.pop(_digest(place), None)


def _digest(place: tuple[str, str]) -> bytes:
    text = "\0".join(place).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=_DIGEST_BYTES).digest()
