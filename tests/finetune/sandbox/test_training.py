from __future__ import annotations

import asyncio
import time
from pathlib import Path

from finetune.sandbox import training
from finetune.sandbox.values import Point
from tests.finetune.sandbox.support import CLAUSES, example, training_file


def _point(step: int) -> Point:
    return Point(step=step, train_loss=1, train_accuracy=0.5, valid_loss=2, valid_accuracy=0.25)


def test_three_checkpoints_the_last_at_the_end() -> None:
    points = tuple(_point(step) for step in range(1, 11))
    assert [point.step for point in training.checkpoints(points)] == [4, 7, 10]
    assert [point.step for point in training.checkpoints(points[:2])] == [1, 2]


def test_the_result_files_rows() -> None:
    rows = training.result_csv((_point(1), _point(2))).decode().splitlines()
    assert rows == [",".join(training.CSV_COLUMNS), "1,1,0.5,2,0.25,", "2,1,0.5,2,0.25,2"]


def test_few_steps_make_few_points(tmp_path: Path) -> None:
    (tmp_path / "firm").write_bytes(training_file())
    _, points = training.train(tmp_path / "firm", None, steps=2)
    assert [point.step for point in points] == [1, 2]


def test_windows_line_ends_and_a_missing_last_one(tmp_path: Path) -> None:
    (tmp_path / "firm").write_bytes(training_file().replace(b"\n", b"\r\n").rstrip())
    report, problem = training.check_files(tmp_path / "firm", None)
    assert (report.examples, problem) == (12, None)


async def test_reading_a_large_file_leaves_the_event_loop_its_turns(tmp_path: Path) -> None:
    (tmp_path / "firm").write_bytes((example(" ".join(CLAUSES) * 4) + b"\n") * 8_000)
    work = asyncio.create_task(asyncio.to_thread(training.check_files, tmp_path / "firm", None))
    slowest, first = 0.0, time.monotonic()
    while not work.done():
        began = time.monotonic()
        await asyncio.sleep(0.005)
        slowest = max(slowest, time.monotonic() - began)
    assert (await work)[1] is None
    assert slowest < (time.monotonic() - first) / 3, "a turn waits for a part of it at most, however slow the machine"
