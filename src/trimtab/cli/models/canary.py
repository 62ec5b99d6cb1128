"""`models canary start`, `show`, `stop`: a candidate next to production."""

from typing import Annotated, Any

import typer

from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.session import Json, Session, session_of

app = typer.Typer()
canary = typer.Typer(no_args_is_help=True)
app.add_typer(canary, name="canary", help="Try a version next to production.")


@canary.command()
def start(
    context: typer.Context,
    name: str,
    version: int,
    share: Annotated[float, typer.Option(help="Share of the requests.")] = 0.1,
    margin: Annotated[float, typer.Option(help="A rate higher by less is not worse.")] = 0.02,
    alpha: Annotated[float, typer.Option(help="Chance of a wrong decision.")] = 0.05,
    shadow: Annotated[bool, typer.Option(help="Predict a copy; no caller gets it.")] = False,
    no_promote: Annotated[bool, typer.Option(help="A person promotes it.")] = False,
    json: Json = False,
) -> None:
    """Give a version a share of the requests until a sequential test decides."""
    session = session_of(context)
    asked = {
        "version": version,
        "mode": "shadow" if shadow else "canary",
        "share": share,
        "margin": margin,
        "alpha": alpha,
        "promote": not no_promote,
    }
    body = session.client.call("POST", f"/v1/models/{name}/canary", body=asked)
    _print_canary(session, body)


@canary.command()
def show(context: typer.Context, name: str, json: Json = False) -> None:
    """Show the newest canary of a model with its evidence."""
    session = session_of(context)
    body = session.client.call("GET", f"/v1/models/{name}/canary")
    if printed_as_json(session, body):
        return
    _print_state(body["canary"])
    print_table(
        ("rate", "production", "bounds", "candidate", "bounds", "evidence"),
        (
            (
                rate["rate"],
                f"{rate['production']['bad']} of {rate['production']['count']}",
                _interval(rate["production_bounds"]),
                f"{rate['candidate']['bad']} of {rate['candidate']['count']}",
                _interval(rate["candidate_bounds"]),
                rate["evidence"],
            )
            for rate in body["rates"]
        ),
    )
    if body["agreement"] is not None:
        print_line(f"Labels as in production: {body['agreement']:.1%}")


@canary.command()
def stop(context: typer.Context, name: str, json: Json = False) -> None:
    """End the canary of a model; production stays."""
    session = session_of(context)
    _print_canary(session, session.client.call("DELETE", f"/v1/models/{name}/canary"))


def _print_canary(session: Session, body: dict[str, Any]) -> None:
    if not printed_as_json(session, body):
        _print_state(body)


def _print_state(body: dict[str, Any]) -> None:
    print_line(
        f"{body['mode']} of {body['name']}@{body['candidate']} next to"
        f" {body['name']}@{body['production']}: {body['state']}",
        style="bold",
    )
    if body["reason"]:
        print_line(body["reason"])


def _interval(pair: list[float]) -> str:
    return f"{pair[0]:.4f} to {pair[1]:.4f}"
