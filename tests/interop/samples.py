"""The sample clinic, which stands beside the project: CI has it, a user does not."""

import os
from pathlib import Path

import pytest

SAMPLE = Path(__file__).resolve().parents[3] / "shared" / "sample-clinic"


def sample_clinic() -> Path:
    """Its folder. Where it is missing the test is skipped, and says so; in CI it fails."""
    if not SAMPLE.is_dir():
        said = f"NOT TESTED: there is no sample clinic at {SAMPLE}"
        if os.environ.get("CI"):
            pytest.fail(said)
        pytest.skip(said)
    return SAMPLE
