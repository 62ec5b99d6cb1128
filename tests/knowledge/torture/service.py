"""Damages the other files of a whole service while it is down, starts it, and looks what it says.

One byte is flipped, or a file is cut short or removed, in a data directory that was stopped cleanly or killed. Each
try must end as one of these:

- ``repaired``: it was noticed, named in the log, and everything is as it was,
- ``detected``: a file of the audit trail differs from its chain, and the review says so; it is evidence, and stays,
- ``harmless``: everything is as it was; the byte is not used, or is written anew,
- ``reported``: something acknowledged is missing, and the log names the file and says how much,
- ``refused``: the start ended with an error that names the file and the next step,

and none as a violation: something is missing or different without a word, or the program made a mistake.
"""

import json
import logging
import os
import random
import shutil
import signal
import traceback
from collections import Counter
from pathlib import Path

import sqlalchemy as sa

from tests.knowledge.torture.ground import Kept
from trimtab.app import build
from trimtab.infra.auth import Role
from trimtab.infra.settings import load
from trimtab.kernel.errors import TrimtabError

KEY = "a-key-that-was-chosen-before"
_HEAVY = ["state.db", "state.db-wal", "jobs.db", "jobs.db-wal"] * 3
_NOT_COMPARED = {"sqlite_sequence"}
_WAYS = ("flip",) * 7 + ("cut", "remove", "zero page")


class ServiceFlips:
    """The campaign."""

    def __init__(self, folder: Path, seed: int):
        self._folder = folder
        self._chance = random.Random(seed)
        self._bases = {}
        for how in ("stopped", "killed"):
            base = folder / how
            filled = in_a_child(
                lambda b=base, h=how: fill(b, killed=h == "killed"), folder / "child"
            )
            if "mistake" in filled:
                raise RuntimeError(filled)
            self._bases[how] = base, self._answered(base)
        self.counts: dict[str, Counter] = {}
        self.violations: list[str] = []

    def run(self, tries: int):
        for number in range(tries):
            how = ("stopped", "killed")[number % 2]
            base, truth = self._bases[how]
            copy = self._copied(base)
            kinds = targets(copy)
            kind = self._chance.choice(sorted(kinds) + _HEAVY)
            file = self._chance.choice(kinds.get(kind) or kinds["state.db"])
            way = self._chance.choice(_WAYS)
            damage(file, way, self._chance)
            outcome, detail = judged(
                in_a_child(lambda c=copy: answers(c), self._folder / "child"), truth, file
            )
            self.counts.setdefault(f"{kind_of(file)} ({how})", Counter())[outcome] += 1
            if outcome == "violation":
                self.violations.append(f"{way} in {file.name} ({how}, try {number}): {detail}")

    def _answered(self, base):
        found = in_a_child(lambda: answers(self._copied(base)), self._folder / "child")
        if "answers" not in found:
            raise RuntimeError(found)
        return found["answers"]

    def _copied(self, base):
        copy = self._folder / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(base, copy, ignore=shutil.ignore_patterns("control.sock"))
        return copy


def targets(folder: Path):
    """Return the files to damage by kind; those of the knowledge base have a campaign of their own."""
    found: dict[str, list[Path]] = {}
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.stat().st_size and not file.name.startswith(("knowledge", ".")):
            found.setdefault(kind_of(file), []).append(file)
    return found


def kind_of(file: Path):
    return "audit file" if file.parent.name == "local" else file.name


def damage(file: Path, way: str, chance: random.Random):
    data = bytearray(file.read_bytes())
    at = chance.randrange(len(data))
    file.chmod(0o600)
    if way == "remove":
        file.unlink()
        return
    if way == "cut":
        del data[at:]
    elif way == "zero page":
        start = at - at % 4096
        data[start : start + 4096] = bytes(len(data[start : start + 4096]))
    else:
        data[at] ^= chance.randrange(1, 256)
    file.write_bytes(data)


def judged(found, truth, file: Path):
    """Return the outcome of a start, and what was wrong."""
    name = (
        "audit review"
        if kind_of(file) == "audit file"
        else file.name.removesuffix(".sum").removesuffix("-wal")
    )
    named = [line for line in found["log"] if name in line]
    if "mistake" in found:
        return "violation", found["mistake"]
    if "refusal" in found:
        fine = file.name.removesuffix(".sum") in found["refusal"] and found["hint"]
        return ("refused", "") if fine else ("violation", f"unclear: {found['refusal']}")
    differ = sorted(name for name in truth if found["answers"].get(name) != truth[name])
    if not differ and kind_of(file) == "audit file":
        return ("detected" if named else "harmless"), ""
    if not differ:
        return ("repaired" if named else "harmless"), ""
    if named:
        return "reported", ""
    return "violation", f"{differ[:4]} differ, and the log says {found['log'][:3]}"


def settings(folder: Path):
    return load(
        environment={},
        flags={"service.data_dir": str(folder), "trust.api_key_roles": f"{KEY}:operator"},
    )


def fill(folder: Path, *, killed: bool):
    """Make a service's files, with rows in every table that matters, and stop or kill it."""
    app = build(settings(folder))
    app.jobs.register("echo", lambda run, given: run.step("say", lambda: given["say"]))
    app.jobs.launch()
    for number in range(30):
        app.keys.create(f"key{number}", Role.READER, actor="torture", projects=[f"p{number}"])
        app.audit.append("torture", "tested", f"subject{number}", {"number": number})
        if number < 5:
            app.jobs.start("echo", f"job{number}", {"say": f"word {number}" * 20})
            app.jobs.wait(f"job{number}")
        if number == 15:
            app.state.guard.checkpoint()
            subject = app.erasures._evidence.subjects.pseudonym("somebody")
            app.audit.append("torture", "named", subject)
            audit_files(app).seal()
    plant(app)
    if killed:
        os.kill(os.getpid(), signal.SIGKILL)
    app.close()


def plant(app):
    with app.state.write() as connection:
        for number in range(20):
            connection.execute(
                sa.text(
                    "INSERT INTO answer_traces(id, project, user_id, at, found, blocked, confidence, body)"
                    " VALUES (:id, 'sea', 'somebody', '2026-01-01', 1, 0, 0.5, :body)"
                ),
                {"id": f"trace{number}", "body": f"An answer {number}. " * 90},
            )


def audit_files(app):
    return app.checklists.audit


def answers(folder: Path):
    """Start the service's state and jobs on a damaged folder; return everything that can be read there."""
    app = build(settings(folder))
    try:
        app.jobs.register("echo", lambda run, given: run.step("say", lambda: given["say"]))
        app.jobs.launch()
        app.jobs._jobs()
        with app.state.read() as connection:
            found = {name: table(connection, name) for name in tables(connection)}
        cookie = app.sessions.cookie(app.keys.find_principal("admin"))
        found["session"] = app.sessions.principal(cookie).name
        found["session secret"] = app.sessions._secret.hex()
        found["key"] = str(app.keys.authenticate(KEY))
        found["pseudonym"] = app.erasures._evidence.subjects.pseudonym("somebody")
        found["public key"] = app.erasures._evidence.signer.public_pem
        found["audit"] = app.audit.verify().problems
        found["jobs"] = jobs(app)
        from datetime import timedelta

        review = audit_files(app).review(timedelta(days=999))
        for problem in review.problems:
            logging.getLogger("trimtab").error("audit review: %s", problem)
        return found
    finally:
        app.close()


def tables(connection):
    names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")
    return sorted(name for (name,) in names if name not in _NOT_COMPARED)


def table(connection, name):
    rows = connection.exec_driver_sql(f"SELECT * FROM {name}").fetchall()
    if name == "api_keys":  # Their last use is noted as they are used.
        rows = [row[:6] + row[7:] for row in rows]
    return [str(tuple(row)) for row in rows]


def jobs(app):
    engine = app.jobs._engine._store.engine
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT workflow_uuid, status, output, inputs FROM workflow_status ORDER BY workflow_uuid"
        )
        steps = connection.exec_driver_sql("SELECT * FROM operation_outputs ORDER BY 1, 2")
        return [str(tuple(row)) for row in (*rows, *steps) if "job" in str(row[0])]


def in_a_child(do, place: Path):
    """Run it in a process of its own; return what it returned, with its log."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        kept, found = Kept(), {}
        try:
            logging.getLogger("trimtab").addHandler(kept)
            logging.getLogger("trimtab").propagate = False
            found = {"answers": do()}
        except TrimtabError as error:
            found = {"refusal": str(error), "hint": error.hint()}
        except BaseException as error:  # noqa: BLE001 - what must not happen is reported.
            traceback.print_exc()
            found = {"mistake": f"{type(error).__name__}: {error}"}
        finally:
            place.write_text(json.dumps({**found, "log": kept.lines}))
            os._exit(0)
    os.waitpid(child, 0)
    return json.loads(place.read_text()) if place.exists() else {"log": []}
