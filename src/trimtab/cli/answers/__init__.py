"""`answers`: measure answers, compare configurations, review, erase."""

import typer

from trimtab.cli.admin import checklists, privacy
from trimtab.cli.answers import reviews
from trimtab.cli.evaluation import experiments, flywheel, golden, run

app = typer.Typer(no_args_is_help=True)
app.add_typer(golden.app, name="golden", help="Check the set of golden questions.")
for _module in (run, flywheel, checklists, privacy, experiments, reviews):
    app.add_typer(_module.app)
