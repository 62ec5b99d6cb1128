"""`kubernetes manifests`: what runs trimtab itself in a cluster."""

from datetime import datetime
from typing import Annotated

import typer

from trimtab.cli.runtime.console import printed_as_json
from trimtab.cli.runtime.session import Json, session_of

app = typer.Typer()


@app.command()
def manifests(
    context: typer.Context,
    component: Annotated[
        list[str] | None,
        typer.Option(
            "--include",
            help="Add chromadb, cluster-access, schedules, service-monitor or six-hour-restart;"
            " repeatable.",
        ),
    ] = None,
    image: Annotated[
        str, typer.Option(help="The image of trimtab, as your nodes pull it.")
    ] = "knowledgebeast:latest",
    namespace: Annotated[str, typer.Option(help="Where all objects are.")] = "production",
    restart_until: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="The date on which the restarts of six-hour-restart end."
        ),
    ] = None,
    scale: Annotated[
        bool,
        typer.Option(
            "--scale", help="Several processes by role on PostgreSQL, instead of one process."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Print what runs trimtab in a cluster, for `kubectl apply -f -`; needs no service."""
    import yaml

    from trimtab.kubernetes.deployment import Deployment, render

    until = restart_until.date() if restart_until else None
    made = render(Deployment(tuple(component or ()), namespace, image, until, scale))
    if not printed_as_json(session_of(context), {"manifests": made}):
        typer.echo(yaml.safe_dump_all(made, sort_keys=False), nl=False)
