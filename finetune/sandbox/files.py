"""/v1/files: upload, list, retrieve, content, delete. What is *in* a training file is checked later."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from finetune.sandbox.errors import ApiError, Refusal
from finetune.sandbox.exchange import account_of, sandbox_of
from finetune.sandbox.store import Account, files_of, new_id
from finetune.sandbox.values import StoredFile
from finetune.sandbox.wire import answer, page

PURPOSES = frozenset({"fine-tune", "assistants", "batch", "vision", "user_data", "evals"})
_FIELDS = frozenset({"file", "purpose", "expires_after[anchor]", "expires_after[seconds]"})
_EXPIRES = range(3600, 2_592_000 + 1)


def shown(file: StoredFile) -> dict[str, object]:
    return {
        "id": file.id,
        "object": "file",
        "bytes": file.size,
        "created_at": int(file.created_at),
        "expires_at": None if file.expires_at is None else int(file.expires_at),
        "filename": file.filename,
        "purpose": file.purpose,
        "status": "processed",
        "status_details": None,
    }


async def upload(request: Request) -> Response:
    account, sandbox = account_of(request), sandbox_of(request)
    try:
        async with request.form(max_files=1, max_fields=8) as form:
            sent, purpose, lasts = _read_form(form, sandbox.settings.max_file_bytes)
            file_id = new_id("file-")
            path = sandbox.directory / file_id
            await asyncio.to_thread(_write, sent.file, path)
    except (MultiPartException, HTTPException) as error:
        reason = error.message if isinstance(error, MultiPartException) else error.detail
        raise ApiError(Refusal.INVALID_VALUE, param="file", reason=reason) from None
    now = sandbox.clock()
    account.files[file_id] = StoredFile(
        id=file_id,
        filename=Path(sent.filename or "").name,
        purpose=purpose,
        size=sent.size or 0,
        created_at=now,
        expires_at=None if lasts is None else now + lasts,
        path=path,
    )
    return answer(shown(account.files[file_id]))


def _read_form(form: FormData, limit: int) -> tuple[UploadFile, str, int | None]:
    """The file, its purpose and how many seconds it is kept (None: until deleted)."""
    if unknown := sorted(form.keys() - _FIELDS):
        raise ApiError(Refusal.UNKNOWN_PARAMETER, param=unknown[0])
    sent, purpose = form.get("file"), form.get("purpose")
    if not isinstance(sent, UploadFile):
        raise ApiError(Refusal.MISSING_PARAMETER, param="file")
    if not isinstance(purpose, str):
        raise ApiError(Refusal.MISSING_PARAMETER, param="purpose")
    if purpose not in PURPOSES:
        reason = f"'{purpose}' is not one of {sorted(PURPOSES)}"
        raise ApiError(Refusal.INVALID_VALUE, param="purpose", reason=reason)
    if not sent.size:
        raise ApiError(Refusal.EMPTY_FILE)
    if sent.size > limit:
        raise ApiError(Refusal.FILE_TOO_LARGE, limit=limit)
    if purpose == "fine-tune" and not (sent.filename or "").endswith(".jsonl"):
        raise ApiError(Refusal.NOT_JSONL)
    return sent, purpose, _expiry(form)


def _expiry(form: FormData) -> int | None:
    anchor, seconds = form.get("expires_after[anchor]"), form.get("expires_after[seconds]")
    if anchor is None and seconds is None:
        return None
    if anchor != "created_at":
        raise ApiError(Refusal.INVALID_VALUE, param="expires_after[anchor]", reason="it must be 'created_at'.")
    if not isinstance(seconds, str) or not seconds.isascii() or not seconds.isdigit():
        raise ApiError(Refusal.INVALID_VALUE, param="expires_after[seconds]", reason="it must be an integer.")
    if len(seconds) > len(str(_EXPIRES[-1])) or int(seconds) not in _EXPIRES:
        reason = f"it must be from {_EXPIRES[0]} to {_EXPIRES[-1]}."
        raise ApiError(Refusal.INVALID_VALUE, param="expires_after[seconds]", reason=reason)
    return int(seconds)


def _write(source: BinaryIO, path: Path) -> None:
    source.seek(0)
    with path.open("wb") as target:
        shutil.copyfileobj(source, target)


async def list_files(request: Request) -> Response:
    account, query = account_of(request), request.query_params
    return page([shown(file) for file in _chosen(account, query)], query, default=10_000, most=10_000)


def _chosen(account: Account, query: Mapping[str, str]) -> list[StoredFile]:
    order = query.get("order", "desc")
    if order not in ("asc", "desc"):
        raise ApiError(Refusal.INVALID_VALUE, param="order", reason="it must be 'asc' or 'desc'.")
    purpose = query.get("purpose")
    files = [file for file in account.files.values() if purpose in (None, file.purpose)]
    return files if order == "asc" else files[::-1]


async def retrieve(request: Request) -> Response:
    return answer(shown(account_of(request).file(request.path_params["file_id"])))


async def content(request: Request) -> Response:
    file = account_of(request).file(request.path_params["file_id"])
    kind = "text/csv" if file.filename.endswith(".csv") else "application/octet-stream"
    return FileResponse(file.path, media_type=kind, filename=file.filename)


async def delete(request: Request) -> Response:
    account = account_of(request)
    file = account.file(request.path_params["file_id"])
    for job in account.live_jobs(sandbox_of(request).clock()):
        if file.id in files_of(job):
            raise ApiError(Refusal.FILE_IN_USE, id=file.id, job=job.id)
    account.remove_file(file.id)
    return answer({"id": file.id, "object": "file", "deleted": True})


ROUTES = [
    Route("/v1/files", upload, methods=["POST"]),
    Route("/v1/files", list_files, methods=["GET"]),
    Route("/v1/files/{file_id}", retrieve, methods=["GET"]),
    Route("/v1/files/{file_id}", delete, methods=["DELETE"]),
    Route("/v1/files/{file_id}/content", content, methods=["GET"]),
]
