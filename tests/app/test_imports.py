"""What a start of the service imports: packages that only some work needs are loaded by that work."""

import subprocess
import sys

import pytest

LATE = (
    # Migrations of a new database, durable jobs, PostgreSQL and object stores.
    "alembic", "dbos", "psycopg", "boto3", "redis",
    # Training and conversion of models, and the models of others.
    "sklearn", "scipy", "onnxruntime", "skl2onnx", "google.protobuf",
    # Documents that are not text, and agents.
    "kreuzberg", "pypdfium2", "openpyxl", "mcp",
)  # fmt: skip
MOST = 1900
"""Of 1,860 with Python 3.11; a package more is worth a look at whether each start needs it."""


@pytest.fixture(scope="module")
def imported():
    """Return the modules that a process has imported when it has what it needs to build the service."""
    code = "import sys, trimtab.app; print(*sys.modules, sep='\\n')"
    command = [sys.executable, "-W", "ignore", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.parametrize("package", LATE)
def test_a_package_that_only_some_work_needs_is_not_imported_at_a_start(imported, package):
    assert [name for name in imported if name == package or name.startswith(f"{package}.")] == []


def test_a_start_imports_no_more_modules_than_it_did(imported):
    assert len(imported) <= MOST


def test_of_trimtab_itself_conversions_trainings_and_moves_are_not_imported(imported):
    late = ("trimtab.app.move.to_", "conversion", "onnx_weights", ".training")
    assert [name for name in imported if any(part in name for part in late)] == []
