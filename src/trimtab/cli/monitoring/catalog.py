"""`read`, `act`, `fault`: signals, actions and faults of the catalog, as in runbooks."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

import typer

from trimtab.cli.runtime.console import print_line, print_table, printed_as_json
from trimtab.cli.runtime.errors import Refused
from trimtab.cli.runtime.session import Json, Session, session_of
from trimtab.kernel.errors import InvalidInput, NotFound, TrimtabError

app = typer.Typer()

Pairs = Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]...")]
ListFlag = Annotated[bool, typer.Option("--list", help="List all names.")]


class FaultsOff(NotFound):
    """The service was not started for drills, or is called over the network."""

    code = "drills.faults_off"
    default_hint = "Start it with `trimtab --set service.drills=true serve`, on this machine."


@app.command()
def read(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="[SIGNAL]...")] = None,
    list_: ListFlag = False,
    json: Json = False,
) -> None:
    """Read signals; without names, all of them."""
    session = session_of(context)
    if list_:
        _list_signals(session)
        return
    body = session.client.call("GET", "/v1/signals", params={"name": names} if names else None)
    if not printed_as_json(session, body):
        print_table(
            ("signal", "value", "unit", "labels"),
            (row for signal in body["signals"] for row in _sample_rows(signal, named=bool(names))),
        )


@app.command()
def act(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[ACTION]")] = None,
    arguments: Pairs = None,
    dry_run: Annotated[bool, typer.Option(help="Only show what would change.")] = False,
    approve: Annotated[bool, typer.Option(help="Approve an action that needs approval.")] = False,
    list_: ListFlag = False,
    json: Json = False,
) -> None:
    """Run an action on the service."""
    session = session_of(context)
    if list_ or name is None:
        _list_actions(session)
        return
    body = session.client.call(
        "POST",
        f"/v1/actions/{name}",
        body={"arguments": pairs(arguments), "dry_run": dry_run, "approve": approve},
    )
    if not printed_as_json(session, body):
        print_line(body["summary"])
        if body["undo_arguments"] is not None and not dry_run:
            print_line(f"To undo: {_labels(body['undo_arguments'])}", style="dim")


@app.command()
def fault(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[FAULT]")] = None,
    arguments: Pairs = None,
    restore: Annotated[bool, typer.Option(help="Restore the fault.")] = False,
    list_: ListFlag = False,
    json: Json = False,
) -> None:
    """Inject or restore a fault for a drill; needs `service.drills`."""
    session = session_of(context)
    if list_ or name is None:
        body = _call_fault(session, "GET", "/v1/faults")
        if not printed_as_json(session, body):
            print_table(
                ("fault", "injected", "help"),
                ((f["name"], f["injected"], f["help"]) for f in body["faults"]),
            )
        return
    verb = "restore" if restore else "inject"
    body = _call_fault(
        session, "POST", f"/v1/faults/{name}/{verb}", {"arguments": pairs(arguments)}
    )
    if not printed_as_json(session, body):
        print_line(f"{name} is {'injected' if body['injected'] else 'restored'}.")


def _call_fault(session: Session, method: str, path: str, body: object = None) -> Any:
    try:
        return session.client.call(method, path, body=body)
    except Refused as refused:
        raise faults_off(refused) from None


def faults_off(refused: Refused) -> TrimtabError:
    """Return `FaultsOff` if the service has no routes for faults, else the refusal itself."""
    if refused.error.get("code") != "api.no_such_route":
        return refused
    return FaultsOff("This service does not allow faults and drills.")


def pairs(words: Iterable[str] | None) -> dict[str, str]:
    """Return ``key=value`` words as a mapping, or raise `InvalidInput`."""
    found: dict[str, str] = {}
    for word in words or ():
        key, equals, value = word.partition("=")
        if not equals:
            raise InvalidInput(f"Expected key=value, got {word!r}.", hint="Write key=value.")
        if key in found:
            raise InvalidInput(f"Duplicate argument {key!r}.", hint="Give each argument once.")
        found[key] = value
    return found


def _list_signals(session: Session) -> None:
    body = session.client.call("GET", "/v1/catalog")
    if not printed_as_json(session, {"signals": body["signals"]}):
        print_table(
            ("signal", "unit", "metric", "help"),
            ((s["name"], s["unit"], s["metric"], s["help"]) for s in body["signals"]),
        )


def _list_actions(session: Session) -> None:
    body = session.client.call("GET", "/v1/catalog")
    if not printed_as_json(session, {"actions": body["actions"]}):
        print_table(
            ("action", "risk", "effect", "arguments", "help"),
            (
                (a["name"], a["risk"], a["effect"], _params(a["params"]), a["help"])
                for a in body["actions"]
            ),
        )


def _params(params: Iterable[Mapping[str, Any]]) -> str:
    return " ".join(
        f"{p['name']}={p['type'] if p['default'] is None else p['default']}" for p in params
    )


def _sample_rows(signal: Mapping[str, Any], *, named: bool) -> Iterator[tuple[object, ...]]:
    """Yield a row for each sample; one without a value stands for a signal that was asked for.

    Drills measure apart, so what has no value yet in a drill says nothing.
    """
    samples = [
        sample
        for sample in signal["samples"]
        if sample["value"] is not None or sample["labels"].get("drill") != "true"
    ]
    for sample in samples or [{"value": None, "labels": {}}] * named:
        value = "no value yet" if sample["value"] is None else sample["value"]
        yield signal["name"], value, signal["unit"], _labels(sample["labels"])


def _labels(labels: Mapping[str, object]) -> str:
    return " ".join(f"{name}={value}" for name, value in labels.items())
