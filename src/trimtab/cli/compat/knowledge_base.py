"""The Python names and scripts of the KnowledgeBeast runbook.

`trimtab knowledge scaffold` writes small files that import from here, so that the commands of the
runbook run as written. They use the HTTP API, as all other commands do.
"""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from trimtab.cli.compat import pipeline
from trimtab.cli.runtime.session import Session

Words = list[str]


class KnowledgeBase:
    """The projects of a service, by the names that the runbook uses.

    Args:
        url: Address of the service; by default ``TRIMTAB_URL``, else the local data directory.
        api_key: Key for the address; by default ``TRIMTAB_API_KEY``.
    """

    def __init__(self, url: str = "", api_key: str = "") -> None:
        self._session = _session(url, api_key)

    def list_projects(self) -> list[str]:
        """Return the names of all projects."""
        return [str(project["name"]) for project in self._projects()]

    def get_collection_size(self, project: str) -> int:
        """Return the number of vectors of a project; 0 if there is no such project."""
        sizes = {each["name"]: int(each["vectors"]) for each in self._projects()}
        return sizes.get(project, 0)

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _projects(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._session.client.call("GET", "/api/v1/projects")[
            "projects"
        ]
        return found


def send_test_email() -> str:
    """Send a test mail; return and print what happened."""
    return _send_test("email")


def send_test_slack() -> str:
    """Send a test message to Slack; return and print what happened."""
    return _send_test("slack")


def _send_test(channel: str) -> str:
    session = _session()
    try:
        body = {"channel": channel}
        path = "/v1/notifications/test"
        (result,) = session.client.call("POST", path, body=body)["results"]
    finally:
        session.close()
    text = f"{channel}: {result['error'] or 'delivered'}"
    sys.stdout.write(f"{text}\n")
    return text


def _session(url: str = "", api_key: str = "") -> Session:
    variables = os.environ  # noqa: TID251 - the two variables of the options --url and --api-key.
    return Session(
        config=None,
        flags={},
        url=url or variables.get("TRIMTAB_URL", ""),
        api_key=api_key or variables.get("TRIMTAB_API_KEY", ""),
        json=False,
    )


SCRIPTS: dict[str, Callable[[Words], Words]] = {
    "warm_cache": lambda words: ["knowledge", "warm", *words],
    "dump_heap": lambda words: ["--json", "act", "knowledge.memory.heap_dump", *words],
    "merge_databases": lambda words: ["knowledge", "merge", *words],
}
"""Arguments of `trimtab` for each script of the runbook."""


def translate(script: str, words: Sequence[str]) -> Words:
    """Return the arguments of `trimtab` for a script and its arguments."""
    return SCRIPTS[script](list(words))


def main(script: str) -> NoReturn:
    """Run a script with the arguments of this process; exit with its code."""
    from trimtab.cli.main import main as run

    sys.argv = ["trimtab", *translate(script, sys.argv[1:])]
    run()
    sys.exit(0)


def files() -> dict[str, str]:
    """Return the files of a scaffold by name."""
    module = "trimtab.cli.compat.knowledge_base"
    return {
        "knowledgebeast/__init__.py": '"""The names of the KnowledgeBeast runbook."""\n',
        "knowledgebeast/core.py": _module("The knowledge base.", module, "KnowledgeBase"),
        "knowledgebeast/api/__init__.py": '"""The HTTP API."""\n',
        "knowledgebeast/api/routes.py": _module(
            "The routes and the request body of queries.",
            "trimtab.api.answers",
            "QueryRequest",
            "router",
        ),
        "notifications.py": _module("Test messages.", module, "send_test_email", "send_test_slack"),
        **{f"scripts/{name}.py": _script(name, module) for name in SCRIPTS},
        **{f"scripts/{name}.py": _script(name, pipeline.__name__) for name in pipeline.SCRIPTS},
        "scripts/cleanup_disk.sh": _CLEANUP,
        "scripts/recover_model.sh": _RECOVER,
    }


def write_files(folder: Path, *, dry_run: bool = False) -> list[tuple[str, bool]]:
    """Write missing files into a folder; return each name and whether it is new."""
    written = []
    for name, text in files().items():
        path = folder / name
        fresh = not path.exists()
        if fresh and not dry_run:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            path.chmod(0o755 if name.startswith("scripts/") else 0o644)
        written.append((name, fresh))
    return written


def link_audit_log(
    folder: Path, data_dir: Path, *, dry_run: bool = False
) -> list[tuple[str, bool]]:
    """Link `audit_logs` of a data directory into a folder; return its name and whether it is new.

    The runbooks list `audit_logs/local/` in their own folder.
    """
    link, target = folder.resolve() / "audit_logs", data_dir.resolve() / "audit_logs"
    if link == target:
        return []
    fresh = not os.path.lexists(link)
    if fresh and not dry_run:
        link.symlink_to(os.path.relpath(target, link.parent))
    return [(link.name, fresh)]


def _module(about: str, module: str, *names: str) -> str:
    quoted = ", ".join(f'"{name}"' for name in names)
    imports = f"from {module} import {', '.join(names)}"
    return f'"""{about}"""\n\n{imports}\n\n__all__ = [{quoted}]\n'


def _script(name: str, module: str) -> str:
    return f'#!/usr/bin/env python3\nfrom {module} import main\n\nmain("{name}")\n'


_CLEANUP = """\
#!/bin/sh
# Compress logs older than 7 days, delete older snapshots, backups and temporary files.
set -e
trimtab knowledge clean-up
echo "Disk cleanup complete at $(date)"
df -h | grep /data || df -h .
"""

_RECOVER = """\
#!/bin/sh
# Load a model again when its health check fails; for a cron job. Exit 1 when it still fails then.
# MODEL_NAME names the model. MODEL_HEALTH_URL is the address of its health, such as
# http://model-service:8080/health; without it the service of this machine is asked.
set -u
: "${MODEL_NAME:?Set MODEL_NAME to the model, such as earnings-analyzer}"
check() {
  if [ -n "${MODEL_HEALTH_URL:-}" ]; then
    curl -fsS -o /dev/null "$MODEL_HEALTH_URL"
  else
    trimtab models health "$MODEL_NAME" > /dev/null
  fi
}
if ! check; then
  trimtab act models.reload "name=$MODEL_NAME"
  check
fi
"""
