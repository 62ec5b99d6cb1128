"""Every command row and every Python row of the MISO runbook has a working counterpart: one table, run for real.

The project is a copy of the sound one, scaffolded with the runbook's own scripts. Rows with a `trimtab` counterpart
run in this process; the rows of the second table run exactly as the runbook writes them, in a shell.
"""

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from trimtab.cli.gates import app
from trimtab.gates import pip_launcher
from trimtab.gates.errors import EvidenceMissing
from trimtab.gates.pip_launcher import install
from trimtab.gates.scaffold import SCRIPTS, scaffold
from trimtab.kernel.clock import SystemClock

# Row, the runbook's command, trimtab's, what it must print, exit code, features.
TABLE = [
    ("CMD01", 'grep "schema.*fail\\|validation.*error" logs/*.log', "logs schema --failures", "schema gate failed", 0, "F027"),
    ("CMD02", "jq '.schema_version' benchmark_report.json", "show benchmark_report.json schema_version", '"2.0"', 0, "F030"),
    ("CMD03", "ls schemas/", "schemas", "report", 0, "F031"),
    ("CMD04", "python scripts/validate_report_fields.py benchmark_report.json", "fields benchmark_report.json", "pass", 0, "F033"),
    ("CMD05", "python scripts/validate_datasets.py", "datasets", "pass", 0, "F046"),
    ("CMD06", "ls -la datasets/*/", "permissions", "permissions are right", 0, "F049"),
    ("CMD07", "python scripts/setup_ci_permissions.py --verify-only", "permissions", "permissions are right", 0, "F050"),
    ("CMD08", "python scripts/setup_ci_permissions.py", "permissions --fix", "permissions are right", 0, "F051"),
    ("CMD09", 'find datasets/ -name "manifest.sha256" -exec wc -l {} +', "manifest list", "questions", 0, "F052"),
    ("CMD10", "python scripts/generate_checksums.py", "manifest create", "unchanged", 0, "F053"),
    ("CMD11", "scripts/create_dataset_manifest.py", "manifest create --missing", "unchanged", 0, "F054"),
    ("CMD12", "jq '.metrics.compute_mode' benchmark_report.json", "show benchmark_report.json metrics.compute_mode", '"cpu"', 0, "F069"),
    ("CMD13", "python scripts/detect_drift.py -r benchmark_report.json", "drift -r benchmark_report.json", "copa", 0, "F076"),
    ("CMD14", "python scripts/detect_drift.py -r benchmark_report.json --quiet", "drift -r benchmark_report.json --quiet", "", 0, "F135"),
    ("CMD15", "ls -la baseline/current/", "baseline list", "baseline_metrics.json", 0, "F078"),
    ("CMD16", "cat baseline/current/baseline_metrics.json", "baseline show --json", '"benchmarks"', 0, "F079"),
    ("CMD17", "python scripts/generate_sbom.py --verify", "sbom --verify", "bill of materials", None, "F093"),
    ("CMD18", "python scripts/generate_sbom.py", "sbom", "components, written", 0, "F146"),
    ("CMD19", "python scripts/sign_artifacts.py verify *.json", "verify benchmark_report.json sbom.cdx.json", "pass", 0, "F094"),
    ("CMD20", "python scripts/sign_artifacts.py sign *.json", "sign benchmark_report.json sbom.cdx.json", "2 artifacts signed", 0, "F147"),
    ("CMD21", "pip audit", "audit", "advisories", 0, "F095"),
    ("CMD22", "pip check", "pip-check", "requirements", None, "F096"),
    ("CMD23", "top -p $(pgrep python)", "resources", "memory MB", 0, "F107"),
    ("CMD24", "python -m memory_profiler benchmark_script.py", "profile benchmark_script.py", "peak", 0, "F108"),
    ("CMD25", "jq '.results[].duration_s' benchmark_report.json | sort -n", "show benchmark_report.json results[].duration_s", "0.", 0, "F109"),
    ("CMD26", "make test-short", "fields benchmark_report.json", "pass", 0, "F133"),
    ("CMD27", "python scripts/validate_all_schemas.py", "schemas", "ok", 0, "F134"),
    ("CMD28", "make test-all", "run benchmark_report.json", "pass", 0, "F136"),
    ("CMD29", 'grep -i "error\\|fail\\|critical" logs/*.log | tail -20', "logs errors", "ERROR", 0, "F138"),
    ("CMD30", "jq . logs/*.jsonl | head -10", "logs structured", "run_start", 0, "F139"),
    ("CMD31", 'grep "schema" logs/*.log', "logs schema", "schema", 0, "F140"),
    ("CMD32", 'grep "duration_s\\|throughput" logs/*.log', "logs performance", "throughput", 0, "F141"),
    ("CMD33", "git clean -fdx", "reset", "would remove leftover.tmp", 0, "F142"),
    ("CMD34", "pip install -r requirements.txt", "reset --install --dry-run", "Nothing was changed", 0, "F142"),
    ("CMD35", "python scripts/generate_all_manifests.py", "manifest create", "unchanged", 0, "F143"),
    ("CMD36", "python scripts/create_golden_baseline.py -r benchmark_report.json", "baseline promote -r benchmark_report.json", "needs an approval", 1, "F144"),
]  # fmt: skip

# As the runbook writes them; the word that must be printed.
VERBATIM = [
    ("python scripts/validate_report_fields.py benchmark_report.json", 0, "pass", "F033"),
    ("python scripts/validate_datasets.py", 0, "pass", "F046"),
    ("python scripts/setup_ci_permissions.py --verify-only", 0, "right", "F050"),
    ("python scripts/generate_checksums.py", 0, "unchanged", "F053"),
    ("scripts/create_dataset_manifest.py", 0, "unchanged", "F054"),
    ("python scripts/detect_drift.py -r benchmark_report.json --quiet", 0, "", "F076"),
    ("python scripts/sign_artifacts.py sign *.json && python scripts/sign_artifacts.py verify *.json", 0, "signed", "F147"),
    ("python scripts/create_golden_baseline.py -r benchmark_report.json", 1, "approval", "F145"),
    ("python scripts/validate_all_schemas.py", 0, "ok", "F134"),
    ("PATH=$PWD/scripts/bin:$PATH; pip audit && pip --version", 0, "pip ", "F095"),
    ("ls schemas/", 0, "report-2.0.json", "F031"),
    ("ls -la baseline/current/", 0, "baseline_metrics.json", "F078"),
    ("make test-short", 0, "permissions are right", "F133"),
    ("make test-all", 0, "verdict: ✅ pass", "F136"),
    ("jq . logs/*.jsonl | head -10", 0, "event", "F139"),
    ("python -m memory_profiler benchmark_script.py", 0, "peak", "F108"),
    ("grep \"schema.*fail\\|validation.*error\" logs/*.log", 0, "failed", "F027"),
    ("grep -i \"error\\|fail\\|critical\" logs/*.log | tail -20", 0, "failed", "F138"),
]  # fmt: skip
SNIPPETS = [
    ("from miso.validation.schema_validator import SchemaValidator\nvalidator = SchemaValidator()\nprint(validator.validate_benchmark_report_file('benchmark_report.json'))", "()", ("F028", "F029")),
    ("from miso.datasets.dataset_integrity import DatasetValidator\nvalidator = DatasetValidator()\nprint(validator.validate_sample_counts())", "()", ("F047", "F048")),
    ("from miso.logging.structured_logger import BenchmarkLogger\nlogger = BenchmarkLogger('test')\nprint(logger.path)", "logs/test.jsonl", ("F066",)),
    ("from miso.baseline.drift_detector import DriftDetector\ndetector = DriftDetector()\nprint(detector.analyze('benchmark_report.json', ['accuracy']))", "()", ("F077",)),
    ("from miso.monitoring.plausibility_monitor import PlausibilityMonitor\nmonitor = PlausibilityMonitor()\nprint(monitor.get_benchmark_windows('mmlu'))", "0.94", ("F080", "F081")),
]  # fmt: skip


def _git(root, *words):
    subprocess.run(["git", "-C", str(root), *words], check=True, capture_output=True)


@pytest.fixture
def project(world, monkeypatch):
    root = world.root
    (root / "Makefile").unlink()
    scaffold(root)
    # The commands run by the real clock, under which the sound project's advisories are old.
    world.edit_json(
        root / "advisories.jsonl", lambda r: r.update(modified=str(SystemClock().now().date()))
    )
    (root / "benchmark_script.py").write_text("data = [0] * 100_000\n")
    broken = root / "broken.json"
    broken.write_bytes(b"{}")
    monkeypatch.chdir(root)
    CliRunner().invoke(app, ["run", "broken.json", "--only", "schema"])
    broken.unlink()
    return root


@pytest.mark.parametrize(
    ("row", "written", "command", "printed", "code"),
    [pytest.param(*row[:5], marks=pytest.mark.feature(row[5]), id=row[0]) for row in TABLE],
)
def test_each_command_of_the_runbook_has_a_counterpart(
    project, row, written, command, printed, code
):
    if command.startswith("reset"):
        _git(project, "init", "-q")
        (project / "leftover.tmp").write_text("x")
    done = CliRunner().invoke(app, command.split())
    assert printed in done.output
    assert done.exit_code == code or (code is None and done.exit_code in (0, 1, 3))


def test_the_table_has_every_row_of_the_runbook():
    assert [row[0] for row in TABLE] == [f"CMD{number:02}" for number in range(1, 37)]


def _shell(project, command):
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(project),
        "TRIMTAB_GATES_KEYS": f"{project}.keys",
    }
    return subprocess.run(
        command,
        shell=True,
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("command", "code", "printed"),
    [pytest.param(*row[:3], marks=pytest.mark.feature(row[3])) for row in VERBATIM],
)
def test_the_runbooks_own_words_run_in_a_scaffolded_project(project, command, code, printed):
    done = _shell(project, command)
    assert (done.returncode, printed in done.stdout + done.stderr) == (code, True), done.stderr


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        pytest.param(code, printed, marks=pytest.mark.feature(*features))
        for code, printed, features in SNIPPETS
    ],
)
def test_the_runbooks_python_runs_in_a_scaffolded_project(project, code, printed):
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=False
    )
    assert printed in done.stdout, done.stderr


@pytest.mark.feature("F062", "F063", "F064")
def test_the_environment_is_shown_variable_by_variable(monkeypatch):
    for name, value in (("PYTHONHASHSEED", "0"), ("OMP_NUM_THREADS", "2"), ("MKL_NUM_THREADS", "")):
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(app, ["environment", "--json"])
    assert orjson.loads(done.stdout) == {
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "2",
        "MKL_NUM_THREADS": "",
    }
    assert done.exit_code == 1


@pytest.mark.feature("F054")
def test_every_script_can_be_run_directly(project):
    assert all(os.access(project / "scripts" / f"{name}.py", os.X_OK) for name in SCRIPTS)
    assert len(SCRIPTS) == 11


def test_the_scaffold_replaces_nothing(project):
    mine = project / "scripts" / "detect_drift.py"
    mine.write_text("mine")
    assert ("scripts/detect_drift.py", False) in scaffold(project)
    assert mine.read_text() == "mine"


def test_the_scaffold_leaves_a_makefile_alone(world):
    before = (world.root / "Makefile").read_text()
    scaffold(world.root)
    assert ((world.root / "Makefile").read_text(), (world.root / "gates.mk").exists()) == (
        before,
        True,
    )


def test_the_scaffold_makes_the_folders_that_the_runbook_lists(tmp_path):
    scaffold(tmp_path)
    assert all(
        (tmp_path / name).is_dir() for name in ("baseline/current", "schemas", "datasets", "logs")
    )
    assert "report-2.0.json" in {path.name for path in (tmp_path / "schemas").iterdir()}
    done = _shell(tmp_path, 'grep "schema" logs/*.log; test $? = 1 && jq . logs/*.jsonl')
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.feature("F133", "F136")
@pytest.mark.parametrize(
    ("target", "name", "content"),
    [
        ("test-short", "datasets/questions/data.jsonl", "{}"),
        ("test-short", "benchmark_report.json", "{}"),
        ("test-short", "schemas/report-2.0.json", '{"type": 7}'),
        ("test-all", "baseline/current/baseline_metrics.json", "{}"),
        ("test-all", "logs/copa.jsonl", ""),
    ],
)
def test_the_make_targets_fail_when_this_project_is_broken(project, target, name, content):
    (project / name).write_text(content)
    assert _shell(project, f"make {target}").returncode != 0


@pytest.mark.feature("F077")
def test_a_missing_baseline_cannot_be_judged_and_never_passes(project):
    shutil.rmtree(project / "baseline")
    (project / "baseline" / "current").mkdir(parents=True)
    (project / "gates.yaml").write_text("datasets: {default_min_samples: 1}\n")
    for command in (
        "drift -r benchmark_report.json",
        "drift -r benchmark_report.json --quiet",
        "run benchmark_report.json --only drift",
    ):
        done = CliRunner().invoke(app, command.split())
        assert (done.exit_code, "No baseline: cannot judge" in done.output) == (3, True)


def test_a_required_baseline_that_is_missing_blocks(project):
    shutil.rmtree(project / "baseline")
    done = CliRunner().invoke(app, ["run", "benchmark_report.json", "--only", "drift"])
    assert (done.exit_code, "the drift gate is required" in done.output) == (1, True)


REFUSED = [
    ("SchemaValidator", "validation.schema_validator", "validate_benchmark_report_file('none.json')", 1, "no report none.json"),
    ("SchemaValidator", "validation.schema_validator", "validate_benchmark_report_file('gates.yaml')", 1, "Invalid JSON schema"),
    ("DatasetValidator", "datasets.dataset_integrity", "validate_sample_counts()", 1, "Minimum sample count not met"),
    ("DriftDetector", "baseline.drift_detector", "analyze('benchmark_report.json')", 3, "No baseline: cannot judge"),
    ("PlausibilityMonitor", "monitoring.plausibility_monitor", "get_benchmark_windows('nothing')", 1, "Nothing is known"),
]  # fmt: skip


@pytest.mark.parametrize(("word", "module", "call", "code", "printed"), REFUSED)
def test_the_miso_validators_print_the_reason_and_exit(project, word, module, call, code, printed):
    (project / "datasets" / "golden" / "data.jsonl").write_text("{}\n")
    shutil.rmtree(project / "baseline")
    done = subprocess.run(
        [sys.executable, "-c", f"from miso.{module} import {word}\n{word}().{call}"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, printed in done.stdout, done.stderr) == (code, True, "")


@pytest.mark.feature("F095")
def test_pip_audit_works_as_typed_in_an_environment_whose_launcher_knows_it(project, tmp_path):
    prefix = tmp_path / "env"
    (prefix / "bin").mkdir(parents=True)
    (prefix / "pyvenv.cfg").touch()
    (prefix / "bin" / "pip").write_text("the launcher of pip")
    (prefix / "bin" / "python").symlink_to(sys.executable)
    assert (install(prefix), install(prefix)) == (prefix / "bin" / "pip",) * 2
    assert (prefix / "bin" / "pip").stat().st_mode & 0o777 == 0o755
    words = f"export PATH={prefix}/bin:$PATH; pip audit && pip --version && pip list | head -1"
    text = (
        (prefix / "bin" / "pip").read_text().replace(str(prefix / "bin" / "python"), sys.executable)
    )
    (prefix / "bin" / "pip").write_text(text)
    done = _shell(project, words)
    assert (done.returncode, "audit (3 packages" in done.stdout, "pip " in done.stdout) == (
        0,
        True,
        True,
    ), done.stderr


def test_the_launcher_of_the_running_environment_is_replaced_from_the_command_line(
    tmp_path, monkeypatch, capsys
):
    (tmp_path / "bin").mkdir()
    (tmp_path / "pyvenv.cfg").touch()
    launcher = tmp_path / "bin" / "pip"
    launcher.write_text("the launcher of pip")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    runpy.run_path(pip_launcher.__file__, run_name="__main__")
    assert capsys.readouterr().out == f"{launcher} knows `pip audit`\n"
    assert launcher.read_text().splitlines()[0] == f"#!{tmp_path}/bin/python"
    assert [path.name for path in launcher.parent.iterdir()] == ["pip"]
    assert launcher.stat().st_mode & 0o777 == 0o755


def test_only_a_virtual_environments_launcher_is_replaced(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "pip").write_text("the system's pip")
    with pytest.raises(EvidenceMissing):
        install(tmp_path)
    assert (tmp_path / "bin" / "pip").read_text() == "the system's pip"
