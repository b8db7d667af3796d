"""The handlers, driven by schedules of crates/lambda-simulator: random batches, failures, poison,
crashes, time-outs and retries as Lambda does them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SCHEDULES = int(os.environ.get("SCHEDULES", "1500"))


def model(driver: Path, schedules: int) -> subprocess.CompletedProcess[str]:
    cargo = shutil.which("cargo")
    if cargo is None or not (ROOT / "crates" / "lambda-simulator").is_dir():
        pytest.skip("the model is a Rust program, and there is no cargo")
    command = [cargo, "run", "--quiet", "--locked", "-p", "lambda-simulator", "--bin", "model"]
    command += ["--", str(schedules), "1", "--", sys.executable, str(driver)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_schedules_hold() -> None:
    done = model(HERE / "model_driver.py", SCHEDULES)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"all {SCHEDULES} hold" in done.stdout


@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        # A failure is taken for success; a write is said to have arrived that was not sent.
        (
            "model_driver.py",
            "awaited = super().ended(index, error)",
            "awaited = super().ended(index, None)",
        ),
        (
            "model_driver.py",
            "return super().write(action)",
            "return lambda engine: engine.written()",
        ),
        # A failure in a thread is lost; a write is not conditional.
        (
            "model_time.py",
            "self._answers.append(answer)",
            "self._answers.append((*answer[:3], None))",
        ),
        (
            "model_driver.py",
            "return super().write(action)",
            "self.subject.store._shards[self._batch.key] = action[2:]\n"
            "            return lambda engine: engine.written()",
        ),
    ],
)
def test_a_driver_that_is_wrong_is_found(tmp_path: Path, file: str, right: str, wrong: str) -> None:
    for name in ["model_driver.py", "model_time.py"]:
        text = (HERE / name).read_text(encoding="utf-8")
        if name == file:
            assert right in text
            text = text.replace(right, wrong)
        (tmp_path / name).write_text(text, encoding="utf-8")
    done = model(tmp_path / "model_driver.py", SCHEDULES)
    assert done.returncode == 1
    assert "seed" in done.stdout.splitlines()[-1]
