"""What a tenant may see of its providers' models. Values in, an answer's body out."""

from gateway.errors import GatewayError
from gateway.routing import Routes
from gateway.wire import models as wire_models
from policies.values import Route


def of_provider(listing: bytes, routes: Routes, tenant: str, provider: str) -> bytes:
    """A provider's list without other tenants' fine-tunes. Raises GatewayError `upstream_protocol_error`."""
    return wire_models.without(listing, lambda model: routes.is_foreign(tenant, provider, model))


def known(route: Route, provider: str, asked: str | None) -> bytes:
    """For a provider that does not tell: its default model and the tenant's own there, or the one that is asked for.

    Raises GatewayError `model_not_found`.
    """
    own = [made for made in route.fine_tunes.values() if made.provider == provider]
    models = [route.providers[provider].default_model, *(made.model for made in own if not made.is_checkpoint)]
    if asked is None:
        return wire_models.known(models)
    if asked not in (*models, *(made.model for made in own)):
        raise GatewayError("model_not_found", param="model")
    return wire_models.one(asked)
