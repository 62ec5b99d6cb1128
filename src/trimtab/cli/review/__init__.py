"""`review`: take items, judge them, and manage the review queues."""

import typer

from trimtab.cli.review import annotate, export, guard_rules, queues

app = typer.Typer(no_args_is_help=True)
for _module in (annotate, export, queues, guard_rules):
    app.add_typer(_module.app)
