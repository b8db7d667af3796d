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
SCHEDULES = int(os.environ.get("SCHEDULES", "4000"))


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
    assert "without overlaps hold" in done.stdout


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        # A failure is taken for success; a write is said to have arrived that was not sent.
        ("awaited = super().ended(index, error)", "awaited = super().ended(index, None)"),
        ("return super().write(action)", "return lambda engine: engine.written()"),
        # The same in threads.
        ("self._answers.append(answer)", "self._answers.append((*answer[:3], None))"),
    ],
)
def test_a_driver_that_is_wrong_is_found(tmp_path: Path, right: str, wrong: str) -> None:
    text = (HERE / "model_driver.py").read_text(encoding="utf-8")
    assert right in text
    mutant = tmp_path / "mutant.py"
    mutant.write_text(text.replace(right, wrong), encoding="utf-8")
    done = model(mutant, SCHEDULES)
    assert done.returncode == 1
    assert "seed" in done.stdout.splitlines()[-1]
