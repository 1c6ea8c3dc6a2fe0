"""/v1/fine_tuning/jobs: create, list, retrieve, cancel, events, checkpoints.

A job moves by the clock (states.py); the one thing done here beside answering is to read and train,
once, in a thread, right after the create call. No idempotency: two creates make two jobs.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine
from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from finetune.sandbox import states, training
from finetune.sandbox.errors import ApiError, Refusal
from finetune.sandbox.exchange import Sandbox, account_of, exchange_in, hint, sandbox_of
from finetune.sandbox.jobviews import checkpoints_shown, events_shown, job_shown
from finetune.sandbox.store import Account, Store, new_id
from finetune.sandbox.values import Checked, Job, JobOrder, Method, Problem, Trained
from finetune.sandbox.wire import answer, decode, page

_METADATA = re.compile(r"metadata\[(?P<key>.+)\]")


async def create(request: Request) -> Response:
    account, sandbox = account_of(request), sandbox_of(request)
    order = decode(await request.body(), JobOrder)
    now = sandbox.clock()
    base_model = _tunable(sandbox.store, order.model, now)
    _check_method(order)
    paths = _training_paths(account, order)
    limit = sandbox.settings.max_live_jobs
    if len(account.live_jobs(now)) >= limit:
        raise ApiError(Refusal.TOO_MANY_JOBS, limit=limit)
    job = Job(
        id=new_id("ftjob-"),
        account_hint=hint(exchange_in(request.scope).key or ""),
        base_model=base_model,
        fine_tuned_model=f"ft:{base_model}:sandbox:{order.suffix or ''}:{new_id('', 8)}",
        result_file=new_id("file-"),
        order=order,
        seed=sandbox.settings.seed if order.seed is None else order.seed,
        created_at=now,
    )
    account.put_job(job)
    _start(sandbox, _work(sandbox, account, job, *paths))
    return _shown(request, job)


def _tunable(store: Store, model: str, now: float) -> str:
    row = store.stock.get(model)
    if row is None or not row.tunable:
        raise ApiError(Refusal.NOT_TUNABLE, model=model)
    try:
        store.refuse_retired(model, None, now)
    except ApiError:
        raise ApiError(Refusal.NOT_TUNABLE, model=model) from None
    return store.dated(model)


def _check_method(order: JobOrder) -> None:
    method = order.method or Method(type="supervised")
    others = [name for name in ("dpo", "reinforcement") if getattr(method, name)]
    for kind in (method.type, *others):
        if kind != "supervised":
            raise ApiError(Refusal.UNSUPPORTED_METHOD, method=kind)
    if order.integrations:
        raise ApiError(Refusal.UNSUPPORTED_VALUE, param="integrations", reason="is not supported here.")


def _training_paths(account: Account, order: JobOrder) -> tuple[Path, Path | None]:
    training_path = _training_path(account, "training_file", order.training_file)
    if order.validation_file is None:
        return training_path, None
    return training_path, _training_path(account, "validation_file", order.validation_file)


def _training_path(account: Account, param: str, file_id: str) -> Path:
    file = account.files.get(file_id)
    if file is None:
        raise ApiError(Refusal.INVALID_FILE_ID, param=param, id=file_id)
    if file.purpose != "fine-tune":
        raise ApiError(Refusal.WRONG_PURPOSE, param=param, id=file_id, purpose=file.purpose)
    return file.path


def _start(sandbox: Sandbox, work: Coroutine[None, None, None]) -> None:
    task = asyncio.get_running_loop().create_task(work)
    sandbox.background.add(task)
    task.add_done_callback(sandbox.background.discard)


async def _work(sandbox: Sandbox, account: Account, job: Job, path: Path, held_out: Path | None) -> None:
    """Reads, then trains. A file that has gone fails the job; a cancelled job's files may go."""
    try:
        await _check_and_train(sandbox, account, job, path, held_out)
    except OSError:
        problem = Problem("server_error", "The job failed due to an internal error.", None)
        _update(account, job.id, checked=Checked(at=sandbox.clock(), problem=problem))


async def _check_and_train(sandbox: Sandbox, account: Account, job: Job, path: Path, held_out: Path | None) -> None:
    report, problem = await asyncio.to_thread(training.check_files, path, held_out)
    checked = Checked(at=sandbox.clock(), examples=report.examples, tokens=report.tokens, problem=problem)
    _update(account, job.id, checked=checked)
    if problem is not None or account.jobs[job.id].cancelled_at is not None:
        return
    steps = training.plan(job.order.wished(), report.examples).steps
    model, points = await asyncio.to_thread(training.train, path, held_out, steps)
    if account.jobs[job.id].cancelled_at is None:
        _update(account, job.id, trained=Trained(at=sandbox.clock(), model=model, curve=points))


def _update(account: Account, job_id: str, **changes: object) -> None:
    account.put_job(msgspec.structs.replace(account.jobs[job_id], **changes))


def _shown(request: Request, job: Job) -> Response:
    sandbox = sandbox_of(request)
    reported = exchange_in(request.scope).reported_status
    return answer(job_shown(job, sandbox.settings.step_seconds, sandbox.clock(), reported))


async def list_jobs(request: Request) -> Response:
    account, sandbox, query = account_of(request), sandbox_of(request), request.query_params
    wanted = {found["key"]: value for name, value in query.items() if (found := _METADATA.fullmatch(name))}
    jobs = [job for job in account.jobs.values() if wanted.items() <= (job.order.metadata or {}).items()]
    if query.get("metadata") == "null":
        jobs = [job for job in jobs if not job.order.metadata]
    step, now = sandbox.settings.step_seconds, sandbox.clock()
    reported = exchange_in(request.scope).reported_status
    rows = [job_shown(job, step, now, reported) for job in reversed(jobs)]
    return page(rows, query, default=20, most=100)


async def retrieve(request: Request) -> Response:
    return _shown(request, account_of(request).job(request.path_params["job_id"]))


async def cancel(request: Request) -> Response:
    account, sandbox = account_of(request), sandbox_of(request)
    job = account.job(request.path_params["job_id"])
    now = sandbox.clock()
    status = states.status(job, sandbox.settings.step_seconds, now)
    if status not in states.LIVE:
        raise ApiError(Refusal.JOB_OVER, id=job.id, status=status)
    _update(account, job.id, cancelled_at=now, trained=None)
    return _shown(request, account.job(job.id))


async def events(request: Request) -> Response:
    account, sandbox = account_of(request), sandbox_of(request)
    job = account.job(request.path_params["job_id"])
    rows = events_shown(job, sandbox.settings.step_seconds, sandbox.clock())
    return page(rows, request.query_params, default=20, most=100)


async def checkpoints(request: Request) -> Response:
    account, sandbox = account_of(request), sandbox_of(request)
    job = account.job(request.path_params["job_id"])
    rows = checkpoints_shown(job, sandbox.settings.step_seconds, sandbox.clock())
    return page(rows, request.query_params, default=10, most=100)


ROUTES = [
    Route("/v1/fine_tuning/jobs", create, methods=["POST"]),
    Route("/v1/fine_tuning/jobs", list_jobs, methods=["GET"]),
    Route("/v1/fine_tuning/jobs/{job_id}", retrieve, methods=["GET"]),
    Route("/v1/fine_tuning/jobs/{job_id}/cancel", cancel, methods=["POST"]),
    Route("/v1/fine_tuning/jobs/{job_id}/events", events, methods=["GET"]),
    Route("/v1/fine_tuning/jobs/{job_id}/checkpoints", checkpoints, methods=["GET"]),
]
