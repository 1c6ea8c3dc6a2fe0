"""/v1/models: list, retrieve, delete, and the question chat asks: may this account use that model?"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from finetune.sandbox.errors import ApiError, Refusal
from finetune.sandbox.exchange import account_of, sandbox_of
from finetune.sandbox.ngram import NgramModel
from finetune.sandbox.store import Account, Store
from finetune.sandbox.values import FineTune, StockModel
from finetune.sandbox.wire import answer


def served(store: Store, account: Account, model: str, now: float) -> tuple[str, NgramModel]:
    """The dated name of a model and the model itself; 404 unless it is usable now."""
    made = _made(account, model, now)
    if made is not None:
        store.refuse_retired(made.id, made.base_model, now)
        return made.id, made.model
    if model not in store.stock:
        raise ApiError(Refusal.MODEL_NOT_FOUND, model=model)
    store.refuse_retired(model, None, now)
    return store.dated(model), store.stock_model


def _made(account: Account, model: str, now: float) -> FineTune | None:
    found = account.models.get(model)
    return found if found is not None and found.usable_at <= now else None


def _stock_shown(store: Store, row: StockModel) -> dict[str, object]:
    return {
        "id": row.id,
        "object": "model",
        "created": row.created,
        "owned_by": row.owned_by,
        "shutdown_date": store.shutdown_date(row.id),
    }


def _made_shown(store: Store, model: FineTune) -> dict[str, object]:
    return {
        "id": model.id,
        "object": "model",
        "created": int(model.created_at),
        "owned_by": "sandbox",
        "shutdown_date": store.shutdown_date(model.id, model.base_model),
    }


async def list_models(request: Request) -> Response:
    """What can be used: stock models, and the account's own once they answer."""
    account, sandbox = account_of(request), sandbox_of(request)
    now = sandbox.clock()
    rows = [_stock_shown(sandbox.store, row) for row in sandbox.store.stock.values()]
    made = [model for model in account.models.values() if model.listed and model.usable_at <= now]
    rows.extend(_made_shown(sandbox.store, model) for model in made)
    return answer({"object": "list", "data": rows})


async def retrieve(request: Request) -> Response:
    account, sandbox = account_of(request), sandbox_of(request)
    name = request.path_params["model"]
    made = _made(account, name, sandbox.clock())
    if made is not None:
        return answer(_made_shown(sandbox.store, made))
    row = sandbox.store.stock.get(name)
    if row is None:
        raise ApiError(Refusal.MODEL_NOT_FOUND, model=name)
    return answer(_stock_shown(sandbox.store, row))


async def delete(request: Request) -> Response:
    """A fine-tuned model goes with its checkpoints."""
    account, sandbox = account_of(request), sandbox_of(request)
    name = request.path_params["model"]
    if name in sandbox.store.stock:
        raise ApiError(Refusal.MODEL_NOT_YOURS, model=name)
    if _made(account, name, sandbox.clock()) is None:
        raise ApiError(Refusal.MODEL_NOT_FOUND, model=name)
    for other in [other for other in account.models if other == name or other.startswith(f"{name}:")]:
        del account.models[other]
    return answer({"id": name, "object": "model", "deleted": True})


ROUTES = [
    Route("/v1/models", list_models, methods=["GET"]),
    Route("/v1/models/{model:path}", retrieve, methods=["GET"]),
    Route("/v1/models/{model:path}", delete, methods=["DELETE"]),
]
