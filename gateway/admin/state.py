"""Which state holds after the store's history went back: the one route that says so."""

from gateway.accepting import Acceptance
from gateway.admin.changes import Changed, Control
from gateway.admin.handling import AdminRoute, Answered, Asked
from gateway.admin.schemas import AcceptPost, AcceptView
from gateway.errors import GatewayError
from gateway.routing import Routes
from gateway.store import audits
from gateway.store.marks import Mark, Meta
from policies.access import Action


class State:
    """The operation on the store as a whole."""

    def __init__(self, control: Control, routes: Routes) -> None:
        self._control = control
        self._routes = routes
        self._acceptance = Acceptance(control.store, routes)

    def routes(self) -> list[AdminRoute]:
        """The rows of the API's table."""
        return [
            AdminRoute(
                "POST",
                "/store/accept",
                Action.MANAGE_PLATFORM,
                self.accept,
                AcceptPost,
                AcceptView,
                errors=("store_not_diverged", "store_half_restored", "replica_behind"),
            )
        ]

    async def accept(self, asked: Asked) -> Answered:
        """Says which state holds, after the store's history went back.

        A restored backup, an emptied server and a lost write are noticed; until this is said, nothing can be changed.
        """
        body: AcceptPost = asked.body
        known = self._routes.mark
        meta = await self._acceptance.begin()
        state = body.state or "store"
        if body.state is None and meta.mark.revision == 0:
            words = "The store is empty. Say which holds: `replicas` writes back what is known here, `store` drops it."
            raise GatewayError("invalid_field", words, "state")
        if state == "replicas" and known == Mark():
            raise GatewayError("replica_behind", "This replica has not loaded anything yet; ask another.")
        record = audits.encode(
            asked.actor,
            time=self._control.now(),
            action="store.accept",
            tenant=None,
            before={"store": _shown(meta), "replicas": {"epoch": known.epoch, "revision": known.revision}},
            after={"state": state},
        )
        accepted = await self._acceptance.accept(meta, state, record)
        propagation = await self._control.propagated(accepted.revision)
        changed = Changed(accepted, accepted.revision, durable=False, propagation=propagation)
        view = AcceptView(
            state=state,
            epoch=accepted.epoch,
            revision=accepted.revision,
            revoked_keys=accepted.revoked_keys,
            rows_written=accepted.rows,
            replicas=propagation.replicas,
            acknowledged=propagation.acknowledged,
        )
        return Answered(view, 200, changed)


def _shown(meta: Meta) -> dict[str, str | int]:
    return {"epoch": meta.mark.epoch, "revision": meta.mark.revision}
