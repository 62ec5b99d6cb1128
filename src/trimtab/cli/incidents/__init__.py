"""`incidents`: list, follow, decide and work on incidents, their alerts and silences."""

import typer

from trimtab.cli.incidents import alerts, evaluate, inspect, people, review, silences

app = typer.Typer(no_args_is_help=True)
app.add_typer(inspect.app)
app.add_typer(people.app)
app.add_typer(review.app)
app.add_typer(alerts.app)
app.add_typer(evaluate.app)
app.add_typer(silences.app, name="silences", help="List, create and end silences of alerts.")
