"""The gates as part of a running service: one project, judged again and again, mended on request.

Without a project of its own the service watches a specimen: a small sound project that it makes itself, so that the
runbooks can be drilled anywhere. After each clean verdict the evidence is copied aside (files up to 8 MB); that
copy, made only when there was nothing to complain about, is what `restore` brings back. Nothing here changes evidence by itself.
"""

import json
import shutil
import stat
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from trimtab.gates.alerts import counted
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
"""A verdict that was not refreshed for so many intervals counts as unknown."""
MIN_MAX_AGE_SECONDS = 120.0
"""With a short interval the judging itself takes longer than three of them."""
LARGEST_COPY = 8 * 1024 * 1024
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
"""What belongs together and is restored together. Keys are in none: they are never copied."""


class GateMonitor:
    """One watched project.

    Args:
        folder: Where the specimen, the good copies and what undo needs are kept.
        clock: Stamps verdicts and paces the watching.
        project: The watched project; None for the specimen.
        keys: The key ring of a watched project; None for the user's own.
    """

    def __init__(
        self, folder: Path, clock: Clock, project: Path | None = None, keys: Path | None = None
    ) -> None:
        self._folder = folder
        self.clock = clock
        self.is_specimen = project is None
        specimen = folder / "specimen"
        own = Project(specimen, specimen.with_name("specimen.keys"))
        self.project = own if project is None else Project(project, keys)
        self._good = folder / "good"
        self._saved = folder / "saved"
        self._lock = threading.RLock()
        self._interval = 60.0
        # A failed attempt is noted by `refresh`: the verdict says unknown until one succeeds.
        self.task = PeriodicTask("gates", self.refresh, lambda: self._interval, clock)
        self._last: GateVerdict | None = None
        self._judged_at: float | None = None
        """Monotonic time of the last verdict, or of `start` until there is one; None before both."""
        self._max_age: float | None = None
        """An older verdict counts as unknown; None while nobody refreshes it."""
        self._failed: str = ""
        """Why the last attempt to judge ended without a verdict; empty when it gave one."""

    @property
    def verdict(self) -> GateVerdict | None:
        """Return the last verdict; one that says `unknown` when it is too old or could not be refreshed.

        None before the first attempt.
        """
        last, reason = self._last, self._stale_reason()
        return self._unknown(reason) if reason else last

    @property
    def age_seconds(self) -> float | None:
        """Return the seconds since the project was last judged; None when it never was."""
        at = self._judged_at
        return None if at is None else max(0.0, self.clock.monotonic() - at)

    @property
    def counts(self) -> Counter[str]:
        """Return how many findings of each code the verdict holds."""
        return Counter(found.code for found in self.findings())

    def _stale_reason(self) -> str:
        if self._failed:
            return f"the project could not be judged: {self._failed}"
        age = self.age_seconds
        if self._max_age is not None and age is not None and age > self._max_age:
            return f"the last verdict is {age:.0f} seconds old and could not be refreshed"
        return ""

    def start(self, interval_seconds: float) -> None:
        """Judge the project now and then every so many seconds, until `close`."""
        self._max_age = max(MAX_AGE_INTERVALS * interval_seconds, MIN_MAX_AGE_SECONDS)
        self._judged_at = self.clock.monotonic()
        self._interval = interval_seconds
        self.task.start()

    def close(self) -> None:
        """Stop watching. May be called twice."""
        self.task.close()

    def refresh(self) -> GateVerdict:
        """Judge the project as it is now and keep the verdict."""
        with self._lock:
            try:
                self._ensure()
                verdict = self._judge()
                if not any(map(counted, verdict.findings)):
                    self._keep_good()
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
        """Return the project's policy."""
        return load_policy(self.project.policy) if self.project.policy.is_file() else GatePolicy()

    def ring(self) -> KeyRing:
        """Return the project's keys."""
        return KeyRing(self.project.keys, self.clock)

    def _ensure(self) -> None:
        if not self.is_specimen or self.project.root.is_dir():
            return
        from trimtab.gates.selftest.sample_project import build_sample_project

        building = self._folder / "specimen.new"
        shutil.rmtree(building, ignore_errors=True)
        shutil.rmtree(building.with_name(f"{building.name}.keys"), ignore_errors=True)
        sample = build_sample_project(building, self.clock.now())
        policy = sample.project.policy
        # The specimen stands still, so the age of its one advisory says nothing.
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
        # A service that watches no project needs none of the gates themselves.
        from trimtab.gates.run import Request, run

        report = self.project.root / REPORT
        try:
            asked = Request(
                self.project.root,
                report if report.is_file() else None,
                keyring=self.project.keyring,
            )
            return run(asked, self.clock)
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

    # --- changes that can be taken back

    def prepare(self) -> None:
        """Make the specimen, where there is no project of its own and it was not made yet."""
        with self._lock:
            self._ensure()

    def change(self, names: Iterable[str], act: Callable[[], object], *, judge: bool = True) -> str:
        """Save what is there, do something to it; return the token that `put_back` needs.

        Args:
            names: The files and folders that are saved.
            act: Changes them.
            judge: Whether to judge the project now; otherwise the next round of the watching does.
        """
        with self._lock:
            self._ensure()
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
        """Put back what `change` saved; return False if it was put back before."""
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
        """Change files' modes and judge as `change` does; return the token that `put_back` needs."""
        with self._lock:
            self._ensure()
            chosen = list(entries)
            # Whole paths, because keys lie outside of the project.
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
        """Return the datasets' files whose modes are wrong."""
        return wrong_permissions(self.project.datasets)

    def restore(self, group: str) -> str:
        """Bring back a group's last good copy; return the token that takes this back.

        Raises:
            NoGoodCopy: The group was never part of a passing verdict, or has larger files than are copied.
        """
        if not self.has_good(group):
            raise NoGoodCopy(f"There is no good copy of {group}.")
        names = GROUPS[group]

        def bring_back() -> None:
            for name in names:
                _replace(self._good / name, self.project.root / name)

        return self.change(names, bring_back)

    def has_good(self, group: str) -> bool:
        """Return whether a good copy of the group is kept."""
        return any((self._good / name).exists() for name in GROUPS[group])

    def _keep_good(self) -> None:
        for names in GROUPS.values():
            for name in names:
                source = self.project.root / name
                if source.exists() and not _too_large(source):
                    _replace(source, self._good / name)

    def good_copy(self, name: str) -> Path:
        """Return where the last good copy of a file or folder is, or would be."""
        return self._good / name

    def signed(self) -> dict[str, str]:
        """Return the SHA-256 of each file that the present provenance covers; nothing without one.

        Raises:
            SignatureWrong: No trusted key has signed it.
        """
        file = self.project.provenance
        return self.ring().open(file.read_bytes()).subjects() if file.is_file() else {}

    def to_sign(self) -> list[Path]:
        """Return the files that the present provenance and the policy name, as far as they exist."""
        place = self.project
        wanted = [*self.signed(), *self.policy().supply_chain.sign, place.sbom.name]
        files = [place.root / name for name in dict.fromkeys(wanted)]
        return [file for file in files if file.is_file()]

    def resign(self) -> None:
        """Sign the files that the present provenance covers, as they are now."""
        from trimtab.gates.supply_chain import sign_files

        made = sign_files(self.project, self.to_sign(), self.ring(), self.clock.now())
        self.project.provenance.write_bytes(made)


def _too_large(path: Path) -> bool:
    files = path.rglob("*") if path.is_dir() else [path]
    return any(p.is_file() and p.stat().st_size > LARGEST_COPY for p in files)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True)
    else:
        shutil.copy2(source, target)


def _replace(source: Path, target: Path) -> None:
    """Make the target what the source is: a copy, or nothing."""
    if target.is_dir():
        shutil.rmtree(target)
    else:
        target.unlink(missing_ok=True)
    if source.exists():
        _copy(source, target)
