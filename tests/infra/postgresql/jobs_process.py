"""A process with durable jobs on a PostgreSQL server, for tests that kill it.

    python -m tests.infra.postgresql.jobs_process URL NAME FILE [start | recover LOST]

It notes each step in the file, and prints ``ready`` once it works.
"""

import sys
import threading
from pathlib import Path

from trimtab.infra.jobs.durable import DurableJobs
from trimtab.infra.storage.postgresql import PostgresServer
from trimtab.kernel.clock import SystemClock


def say(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def main(url, name, file, role, lost=""):
    noted, clock, waits = Path(file), SystemClock(), threading.Event()

    def note(step):
        with noted.open("a") as out:
            out.write(f"{name} {step}\n")
        return step

    def body(run, _argument):
        run.step("first", lambda: note("first"))
        waits.set()
        run.wait_for("go", 300)
        return run.step("second", lambda: note("second"))

    jobs = DurableJobs(PostgresServer(url, allow_unsafe=True), clock, name)
    jobs.register("work", body)
    jobs.launch()
    if role == "start":
        jobs.start("work", "job-1", {})
        waits.wait()
        say("ready")
        threading.Event().wait()
    say("ready")
    say(jobs.recover(lost))
    jobs.send("job-1", "go", "now")
    say(jobs.wait("job-1"), jobs.recover(lost))
    jobs.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
