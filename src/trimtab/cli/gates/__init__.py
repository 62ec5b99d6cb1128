"""`gates`: judge a release and keep its evidence.

Exit codes: 0 pass, 1 blocked, 2 wrong use, 3 review or unknown.
"""

import typer

from trimtab.cli.gates import (
    advisories,
    baseline,
    datasets,
    evidence,
    inspect,
    keys,
    logs,
    maintenance,
    manifests,
    run,
    supply_chain,
)
from trimtab.cli.gates.errors import GatesGroup

app = typer.Typer(cls=GatesGroup, no_args_is_help=True)
for _module in (run, inspect, datasets, evidence, supply_chain, maintenance):
    app.add_typer(_module.app)
for _name, _module, _help in (
    ("manifest", manifests, "Create and check the manifest of each dataset."),
    ("baseline", baseline, "Show and promote the golden baseline."),
    ("keys", keys, "Manage signing keys and the roles they are trusted for."),
    ("advisories", advisories, "Show and refresh the advisory snapshot that the audit reads."),
    ("logs", logs, "Search logs/*.log and logs/*.jsonl."),
):
    app.add_typer(_module.app, name=_name, help=_help)
