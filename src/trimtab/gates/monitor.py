"""Runs the gates on a project periodically; repairs evidence on request.

Without a configured project the monitor builds a small valid sample project, so that runbooks can
be drilled anywhere. After each verdict without alerts it copies the evidence (files up to 8 MB);
`restore` restores that copy. Evidence changes only on request.
"""

import json
import shutil
import stat
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from trimtab.gates.alerts import raises_alert
from trimtab.gates.case import Project
from trimtab.gates.codes import finding
from trimtab.gates.datasets import Permission, wrong_permissions
from trimtab.gates.errors import NoGoodCopy
from trimtab.gates.policy import GatePolicy, load_policy
from trimtab.gates.records import Finding, GateOutcome, GateResult, GateState, GateVerdict
from trimtab.gates.signing import KeyRing
from trimtab.infra.background import PeriodicTask
from trimtab.kernel.clock import Clock
from trimtab.kernel.errors import TrimtabError
from trimtab.kernel.ids import new_id

MAX_AGE_INTERVALS = 3
"""Number of intervals after which a verdict that was not refreshed is unknown."""
MIN_MAX_AGE_SECONDS = 120.0
"""Lower bound, because one run of the gates can take longer than three short intervals."""
MAX_COPY_BYTES = 8 * 1024 * 1024
REPORT = "benchmark_report.json"
GROUPS: dict[str, tuple[str, ...]] = {
    "report": (REPORT, "reproducibility.json", "provenance.dsse.json"),
    "datasets": ("datasets",),
    "logs": ("logs",),
    "baseline": ("baseline/current",),
    "supply_chain": ("sbom.cdx.json", "provenance.dsse.json"),
    "docs": ("README.md", "docs", "schemas"),
    "process": (".github", "LICENSE"),
    "policy": ("gates.yaml",),
}
"""Files that are restored together, by group. Keys are never copied."""


class GateMonitor:
    """Monitor of one project: periodic verdicts, good copies and undo.

    Args:
        folder: Folder of the sample project, the good copies and the undo data.
        clock: Source of timestamps and intervals.
        project: The monitored project; None for the sample project.
        keys: The key ring of the monitored project; None for the user's own.
    """

    def __init__(
        self, folder: Path, clock: Clock, project: Path | None = None, keys: Path | None = None
    ) -> None:
        self._folder = folder
        self.clock = clock
        self.uses_sample_project = project is None
        sample_root = folder / "specimen"
        sample_project = Project(sample_root, sample_root.with_name("specimen.keys"))
        self.project = sample_project if project is None else Project(project, keys)
        self._good_copies = folder / "good"
        self._saved = folder / "saved"
        self._lock = threading.RLock()
        self._interval = 60.0
        # `refresh` records a failure: the verdict is unknown until a run succeeds.
        self.task = PeriodicTask("gates", self.refresh, lambda: self._interval, clock)
        self._last: GateVerdict | None = None
        self._judged_at: float | None = None
        """Monotonic time of the last verdict, or of `start` until there is one; None before both.
        """
        self._max_age: float | None = None
        """An older verdict is unknown; None before `start`."""
        self._failed: str = ""
        """Reason why the last run had no verdict; empty when it had one."""

    @property
    def verdict(self) -> GateVerdict | None:
        """Return the last verdict, or an `unknown` one if stale.

        A verdict is stale when it is too old or the last run failed. None before the first run.
        """
        last, reason = self._last, self._stale_reason()
        return self._unknown(reason) if reason else last

    @property
    def age_seconds(self) -> float | None:
        """Return the seconds since the last verdict; None before the first."""
        at = self._judged_at
        return None if at is None else max(0.0, self.clock.monotonic() - at)

    @property
    def counts(self) -> Counter[str]:
        """Return the number of the verdict's findings by code."""
        return Counter(found.code for found in self.findings())

    def _stale_reason(self) -> str:
        if self._failed:
            return f"the project could not be judged: {self._failed}"
        age = self.age_seconds
        if self._max_age is not None and age is not None and age > self._max_age:
            return f"the last verdict is {age:.0f} seconds old and could not be refreshed"
        return ""

    def start(self, interval_seconds: float) -> None:
        """Run the gates now and at every interval, until `close`."""
        self._max_age = max(MAX_AGE_INTERVALS * interval_seconds, MIN_MAX_AGE_SECONDS)
        self._judged_at = self.clock.monotonic()
        self._interval = interval_seconds
        self.task.start()

    def close(self) -> None:
        """Stop the periodic runs; may be called repeatedly."""
        self.task.close()

    def refresh(self) -> GateVerdict:
        """Run the gates now and store the verdict."""
        with self._lock:
            try:
                self._ensure_project()
                verdict = self._judge()
                if not any(map(raises_alert, verdict.findings)):
                    self._copy_evidence()
            except Exception as error:
                self._failed = f"{type(error).__name__}: {error}"[:300]
                raise
            self._last, self._judged_at, self._failed = verdict, self.clock.monotonic(), ""
            return verdict

    def findings(self) -> tuple[Finding, ...]:
        """Return the findings of the last verdict; none before the first."""
        verdict = self.verdict
        return verdict.findings if verdict else ()

    def policy(self) -> GatePolicy:
        """Return the policy of the project."""
        return load_policy(self.project.policy) if self.project.policy.is_file() else GatePolicy()

    def ring(self) -> KeyRing:
        """Return the key ring of the project."""
        return KeyRing(self.project.keys, self.clock)

    def _ensure_project(self) -> None:
        if not self.uses_sample_project or self.project.root.is_dir():
            return
        from trimtab.gates.selftest.sample_project import build_sample_project

        building = self._folder / "specimen.new"
        shutil.rmtree(building, ignore_errors=True)
        shutil.rmtree(building.with_name(f"{building.name}.keys"), ignore_errors=True)
        sample = build_sample_project(building, self.clock.now())
        policy = sample.project.policy
        # The sample project never changes, so the age of its advisory is irrelevant.
        policy.write_text(
            policy.read_text(encoding="utf-8").replace(
                "supply_chain:\n", "supply_chain:\n  advisory_max_age_days: 36500\n"
            ),
            encoding="utf-8",
        )
        shutil.rmtree(self.project.keys, ignore_errors=True)
        sample.project.keys.rename(self.project.keys)
        building.rename(self.project.root)

    def _judge(self) -> GateVerdict:
        # Imported late: a service without a project does not need the gates.
        from trimtab.gates.run import Request, run

        report = self.project.root / REPORT
        try:
            request = Request(
                self.project.root,
                report if report.is_file() else None,
                keyring=self.project.keyring,
            )
            return run(request, self.clock)
        except TrimtabError as error:
            return self._not_judged(error)

    def _not_judged(self, error: TrimtabError) -> GateVerdict:
        found = finding("gates.not_judged", error.code, error.message, fix=error.hint())
        return self._without_gates(GateOutcome.BLOCK, found, self._now())

    def _unknown(self, reason: str) -> GateVerdict:
        found = finding("gates.verdict_stale", "verdict", reason)
        return self._without_gates(
            GateOutcome.UNKNOWN, found, self._last.at if self._last else self._now()
        )

    def _without_gates(self, outcome: GateOutcome, found: Finding, at: str) -> GateVerdict:
        result = GateResult("gates", GateState.MISSING, (found,))
        return GateVerdict(
            outcome, self.project.root.name, "0" * 64, "unreadable", "0" * 64, at, (result,)
        )

    def _now(self) -> str:
        return self.clock.now().isoformat(timespec="seconds").replace("+00:00", "Z")

    # --- changes that can be undone

    def prepare(self) -> None:
        """Build the sample project if it is used and does not exist."""
        with self._lock:
            self._ensure_project()

    def change(self, names: Iterable[str], act: Callable[[], object], *, judge: bool = True) -> str:
        """Save files, change them and return the token for `put_back`.

        Args:
            names: The files and folders to save.
            act: Function that changes them.
            judge: Whether to run the gates now; otherwise the next periodic run does.
        """
        with self._lock:
            self._ensure_project()
            token = new_id("gates", self.clock.now())
            self._save(token, tuple(names))
            try:
                act()
            except BaseException:
                self.put_back(token)
                raise
            if judge:
                self.refresh()
            return token

    def put_back(self, token: str) -> bool:
        """Restore the files that `change` saved; return False if already restored."""
        with self._lock:
            saved = self._saved / Path(token).name
            if not saved.is_dir():
                return False
            names = json.loads((saved / "names.json").read_text(encoding="utf-8"))
            for name in names:
                _replace(saved / "files" / name, self.project.root / name)
            for name, mode in json.loads(
                (saved / "modes.json").read_text(encoding="utf-8")
            ).items():
                (self.project.root / name).chmod(mode)
            shutil.rmtree(saved)
            self.refresh()
            return True

    def _save(self, token: str, names: tuple[str, ...]) -> None:
        saved = self._saved / token
        (saved / "files").mkdir(parents=True)
        for name in names:
            source = self.project.root / name
            if source.exists():
                _copy(source, saved / "files" / name)
        (saved / "names.json").write_text(json.dumps(names), encoding="utf-8")
        (saved / "modes.json").write_text("{}", encoding="utf-8")

    def set_modes(self, entries: Iterable[tuple[Path, int]], *, judge: bool = True) -> str:
        """Change the modes of files and return the token for `put_back`."""
        with self._lock:
            self._ensure_project()
            chosen = list(entries)
            # Absolute paths, because keys are outside the project.
            before = {str(p.absolute()): stat.S_IMODE(p.stat().st_mode) for p, _ in chosen}
            token = new_id("gates", self.clock.now())
            self._save(token, ())
            (self._saved / token / "modes.json").write_text(json.dumps(before), encoding="utf-8")
            for path, mode in chosen:
                path.chmod(mode)
            if judge:
                self.refresh()
            return token

    def wrong_permissions(self) -> tuple[Permission, ...]:
        """Return the dataset files with wrong modes."""
        return wrong_permissions(self.project.datasets)

    def restore(self, group: str) -> str:
        """Restore a group's last good copy and return the token for `put_back`.

        Raises:
            NoGoodCopy: The group was never part of a passing verdict, or its files exceed the size
            limit.
        """
        if not self.has_good(group):
            raise NoGoodCopy(f"There is no good copy of {group}.")
        names = GROUPS[group]

        def bring_back() -> None:
            for name in names:
                _replace(self._good_copies / name, self.project.root / name)

        return self.change(names, bring_back)

    def has_good(self, group: str) -> bool:
        """Return whether the group has a good copy."""
        return any((self._good_copies / name).exists() for name in GROUPS[group])

    def _copy_evidence(self) -> None:
        for names in GROUPS.values():
            for name in names:
                source = self.project.root / name
                if source.exists() and not _too_large(source):
                    _replace(source, self._good_copies / name)

    def good_copy(self, name: str) -> Path:
        """Return the path of a file's last good copy, if any."""
        return self._good_copies / name

    def signed(self) -> dict[str, str]:
        """Return the SHA-256 of each file in the provenance; empty without one.

        Raises:
            SignatureWrong: The provenance was not signed by a trusted key.
        """
        file = self.project.provenance
        return self.ring().open(file.read_bytes()).subjects() if file.is_file() else {}

    def to_sign(self) -> list[Path]:
        """Return the existing files that the provenance or the policy names."""
        project = self.project
        names = [*self.signed(), *self.policy().supply_chain.sign, project.sbom.name]
        files = [project.root / name for name in dict.fromkeys(names)]
        return [file for file in files if file.is_file()]

    def resign(self) -> None:
        """Sign the current content of the files in the provenance."""
        from trimtab.gates.supply_chain import sign_files

        made = sign_files(self.project, self.to_sign(), self.ring(), self.clock.now())
        self.project.provenance.write_bytes(made)


def _too_large(path: Path) -> bool:
    files = path.rglob("*") if path.is_dir() else [path]
    return any(p.is_file() and p.stat().st_size > MAX_COPY_BYTES for p in files)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True)
    else:
        shutil.copy2(source, target)


def _replace(source: Path, target: Path) -> None:
    """Replace the target with a copy of the source, or delete it."""
    if target.is_dir():
        shutil.rmtree(target)
    else:
        target.unlink(missing_ok=True)
    if source.exists():
        _copy(source, target)
