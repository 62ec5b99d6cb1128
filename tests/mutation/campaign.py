"""Tries mutants with a pool of workers, within a budget, and keeps results so that a stopped run goes on."""

import hashlib
import json
import queue
import random
import shutil
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.mutation.copies import CACHE, Worker, digest, make_copy, record
from tests.mutation.data_mutants import DataMutants
from tests.mutation.domains import ROOT, files_of_tests, helper_files, source_files
from tests.mutation.mutant import Mutant, keyed
from tests.mutation.python_mutants import PythonMutants
from tests.mutation.selection import Choice, Selection
from tests.mutation.surroundings import Surroundings

DEFAULT_KINDS = ("threshold", "comparison", "name", "return", "call", "guard", "window", "severity")
"""`logic` (and, or, not) can be asked for with --kinds."""
LIKELY = 8
"""So many tests that noticed the last mutants of a function, then of its file, run first for the next one."""


@dataclass
class Options:
    """What a run was asked for."""

    domains: list[str]
    kinds: tuple[str, ...] = DEFAULT_KINDS
    minutes: float = 25.0
    sample: int = 0
    seed: int = 1
    workers: int = 2
    seconds: float = 12.0
    """Processor time, as recorded, of the tests that run for one mutant."""
    every_line: bool = False
    """Also lines that only unmarked tests reach."""
    fresh: bool = False
    match: str = ""


@dataclass
class Result:
    """What became of one mutant."""

    key: str
    domain: str
    file: str
    line: int
    kind: str
    change: str
    scope: str
    source: str
    outcome: str
    seconds: float = 0.0
    tests: int = 0
    by: str = ""
    """The test that noticed it, when it was tried in a shared session."""
    way: str = ""
    """session, or fresh when the changed code was imported afresh."""


@dataclass
class Report:
    """The results of a run, and how many mutants were not tried."""

    results: list[Result] = field(default_factory=list)
    untried: int = 0
    unreached: int = 0
    unmarked: int = 0

    def survivors(self) -> list[Result]:
        """Return the mutants that no test noticed."""
        return [r for r in self.results if r.outcome == "survived"]


@dataclass(frozen=True)
class Trial:
    """A mutant with its tests, and the state of files that its result holds for."""

    domain: str
    mutant: Mutant
    choice: Choice
    state: str
    session: tuple[str, ...] = ()
    """The test files that are collected once."""

    @property
    def place(self) -> tuple[str, ...]:
        """Return the file and the function of the mutant."""
        return (self.mutant.file, self.mutant.scope)

    def request(self, copy: Path, tests: Sequence[str], seconds: float) -> dict:
        """Return what a worker is asked."""
        return {
            "file": self.mutant.file,
            "content": self.mutant.applied((copy / self.mutant.file).read_bytes()).decode(),
            "tests": list(tests),
            # Generous: on a loaded machine a second of the processor takes many.
            "limit": 60 + 20 * seconds,
            "limits": [30 + 20 * self.choice.times.get(name, 0.0) for name in tests],
            "session": list(self.session),
        }

    def ask(self, worker: Worker, copy: Path, likely: Sequence[str] = ()) -> dict:
        """Return a worker's answer; a mutant that its first tests do not notice is shown to more of them.

        Of the first tests, the likely ones run before the others, in their order.
        """
        choice = self.choice
        places = {name: place for place, name in reversed(list(enumerate(likely)))}
        tests = sorted(choice.tests, key=lambda name: places.get(name, len(likely)))
        answer = worker.ask(self.request(copy, tests, choice.seconds))
        if answer["outcome"] != "survived" or not choice.more:
            return answer
        again = worker.ask(self.request(copy, choice.more, 4 * choice.seconds))
        return again | {"seconds": round(answer["seconds"] + again["seconds"], 2)}

    def result(self, answer: dict) -> Result:
        """Return the result of a worker's answer."""
        names = ("key", "file", "line", "kind", "change", "scope", "source")
        named = {name: getattr(self.mutant, name) for name in names}
        return Result(
            domain=self.domain,
            tests=len(self.choice.tests) + len(self.choice.more),
            **named,
            **answer,
        )


def mutants_of(domain: str, options: Options) -> list[Mutant]:
    """Return the domain's mutants of the kinds asked for."""
    found: list[Mutant] = []
    for file in source_files(domain):
        if ":" in options.match and not file.endswith(options.match.partition(":")[0]):
            continue
        content = (ROOT / file).read_bytes()
        finder = PythonMutants if file.endswith(".py") else DataMutants
        found += keyed(finder(file, content).all())
    return [m for m in found if m.kind in options.kinds and options.match in f"{m.file}:{m.scope}"]


def without_implied(mutants: list[Mutant], equivalent: set[str]) -> list[Mutant]:
    """Leave out equivalent mutants, and those that are noticed whenever another one is that is tried."""
    rest = [mutant for mutant in mutants if mutant.key not in equivalent]
    tried = {(mutant.file, mutant.kind, mutant.start) for mutant in rest}
    return [m for m in rest if m.implied is None or (m.file, *m.implied) not in tried]


def record_all(
    domains: Sequence[str],
    copies: Sequence[Path],
    recording: Callable[[str, list[str], Path], object],
) -> None:
    """Record the tests of the domains, as many at a time as there are copies."""
    free: queue.SimpleQueue[Path] = queue.SimpleQueue()
    for copy in copies:
        free.put(copy)

    def one(domain: str) -> None:
        copy = free.get()
        try:
            recording(domain, files_of_tests(domain), copy)
        finally:
            free.put(copy)

    with ThreadPoolExecutor(len(copies)) as pool:
        list(pool.map(one, domains))


class Campaign:
    """One run over some domains."""

    def __init__(self, options: Options, equivalent: set[str]) -> None:
        self._options, self._equivalent = options, equivalent
        self._report = Report()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._known = CACHE / "results.jsonl"
        self._likely: dict[tuple[str, ...], list[str]] = defaultdict(list)
        """The tests that noticed the last mutants of each file and of each of its functions."""

    def run(self) -> Report:
        """Record, choose, try, report."""
        copies = [make_copy() for _ in range(self._options.workers)]
        try:
            record_all(self._options.domains, copies, record)
            todo = self._prepare(copies[0])
            _tell(f"{todo.qsize()} mutants to try")
            deadline = time.monotonic() + self._options.minutes * 60
            self._join(
                [threading.Thread(target=self._work, args=(c, todo, deadline)) for c in copies]
            )
            self._report.untried = todo.qsize()
        finally:
            for copy in copies:
                shutil.rmtree(copy, ignore_errors=True)
        return self._report

    def _join(self, threads: list[threading.Thread]) -> None:
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except KeyboardInterrupt:
            self._stop.set()
            _tell("stopping; the same command goes on from here")
            for thread in threads:
                thread.join()

    def _prepare(self, copy: Path) -> "queue.SimpleQueue[Trial]":
        known = {} if self._options.fresh else self._read_known()
        todo: list[Trial] = []
        for domain in self._options.domains:
            for trial in self._trials(domain, copy):
                result = known.get((domain, trial.mutant.key))
                if result and _holds(result, trial.state):
                    self._report.results.append(Result(**result["result"]))
                else:
                    todo.append(trial)
        waiting: queue.SimpleQueue[Trial] = queue.SimpleQueue()
        for trial in self._in_order(todo):
            waiting.put(trial)
        return waiting

    def _in_order(self, todo: list[Trial]) -> list[Trial]:
        """Return the mutants to try: functions in an order of chance, the mutants of one together."""
        chance = random.Random(self._options.seed)
        chance.shuffle(todo)
        chosen = todo[: self._options.sample or None]
        places = {place: chance.random() for place in sorted({each.place for each in chosen})}
        # One domain after the other: each has a session of its own.
        domains = self._options.domains
        return sorted(chosen, key=lambda each: (domains.index(each.domain), places[each.place]))

    def _trials(self, domain: str, copy: Path) -> Iterator[Trial]:
        tests = files_of_tests(domain)
        selection = Selection(record(domain, tests, copy), ROOT, self._options.seconds)
        of_tests = digest([*tests, *helper_files()])
        around: dict[str, Surroundings] = {}
        for mutant in without_implied(mutants_of(domain, self._options), self._equivalent):
            if mutant.file not in around:
                around[mutant.file] = Surroundings(mutant.file, (ROOT / mutant.file).read_bytes())
            choice = selection.choose(mutant)
            if not choice.tests:
                self._report.unreached += 1
            elif not choice.marked and not self._options.every_line:
                self._report.unmarked += 1
            else:
                shown = _named(choice)
                state = f"{around[mutant.file].digest(mutant)}-{of_tests}-{shown}"
                yield Trial(domain, mutant, choice, state, tuple(tests))

    def _read_known(self) -> dict[tuple[str, str], dict]:
        if not self._known.exists():
            return {}
        lines = self._known.read_text().splitlines()
        found = [json.loads(line) for line in lines if line.endswith("}}")]
        return {(one["result"]["domain"], one["result"]["key"]): one for one in found}

    def _work(self, copy: Path, todo: "queue.SimpleQueue[Trial]", deadline: float) -> None:
        worker, domain = None, ""
        while not self._stop.is_set() and time.monotonic() < deadline:
            try:
                trial = todo.get_nowait()
            except queue.Empty:
                break
            if worker is None or trial.domain != domain:
                if worker:
                    worker.close()
                worker, domain = Worker(copy, trial.domain), trial.domain
            likely = [*self._likely[trial.place], *self._likely[trial.place[:1]]]
            answer = trial.ask(worker, copy, likely)
            self._note(trial, trial.result(answer))
        if worker:
            worker.close()

    def _note(self, trial: Trial, result: Result) -> None:
        with self._lock:
            self._report.results.append(result)
            for place in (trial.place, trial.place[:1]):
                self._likely[place] = [result.by, *self._likely[place]][:LIKELY]
            with self._known.open("a") as file:
                file.write(json.dumps({"state": trial.state, "result": asdict(result)}) + "\n")
            if result.outcome in {"survived", "error"}:
                _tell(line_of(result))


def _named(choice: Choice) -> str:
    """Return a digest of the tests that are shown a mutant: with others, a survivor is tried again."""
    return hashlib.sha256("\n".join([*choice.tests, *choice.more]).encode()).hexdigest()[:16]


def _tell(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def _holds(known: dict, state: str) -> bool:
    """A mutant that was noticed stays so while its function is the same; a survivor is tried again with other tests."""
    if known["result"]["outcome"] in {"killed", "timeout"}:
        return known["state"].partition("-")[0] == state.partition("-")[0]
    return known["state"] == state


def line_of(result: Result) -> str:
    """Return a result as one line: where, what, and its key for the list of equivalent mutants."""
    return (
        f"{result.file}:{result.line}: {result.kind}: {result.change}  "
        f"[{result.scope}] {result.tests} tests, {result.outcome}, key {result.key}"
    )
