"""What the holders of keys are called: by a key's label, also when it has been revoked since."""

from collections.abc import Iterable, Mapping

from gateway.admin.credentials import former_labels
from gateway.admin.page import words
from gateway.routing import Routes
from gateway.store.connection import Store


class Names:
    """Keys that are held are looked up in memory; the store is asked for the others alone."""

    def __init__(self, routes: Routes, store: Store) -> None:
        self._routes = routes
        self._store = store

    async def of(self, tenant: str, key_ids: Iterable[str]) -> Mapping[str, str]:
        """The names, by the keys' ids; the id itself where there is no other. Raises StoreUnavailable."""
        wanted = set(key_ids)
        labels = {key_id: self._routes.label_of_key(key_id) for key_id in wanted}
        gone = sorted(key_id for key_id in wanted if not self._routes.has_key(key_id))
        if gone:
            labels |= await former_labels(self._store, tenant, gone)
        return {key_id: words.who(key_id, label) for key_id, label in labels.items()}
