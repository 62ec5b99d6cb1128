"""`review next`, `submit`, `skip`, `return`, `export`: the work of an annotator."""

import json as json_lines
from pathlib import Path
from typing import Annotated, Any

import typer

from trimtab.cli.review.pending import sync_pending
from trimtab.cli.runtime.console import format_time, print_line, printed_as_json
from trimtab.cli.runtime.session import Json, Session, session_of
from trimtab.kernel.errors import InvalidInput

app = typer.Typer()

Item = Annotated[str, typer.Argument(metavar="ITEM", help="An item's id, or its trace's.")]
Annotator = Annotated[
    str, typer.Option("--as", help="The annotator's name; the key's or `local` by default.")
]
Pending = Annotated[
    Path | None,
    typer.Option(help="Keep a file for each open item there, such as annotations/pending."),
]
_FIELDS = ("verdict", "failure_type", "answer", "documents", "note")


@app.command("next")
def next_item(
    context: typer.Context,
    queue: Annotated[str, typer.Option(help="Only of this queue.")] = "",
    item: Annotated[str, typer.Option(help="This item or trace.")] = "",
    annotator: Annotator = "",
    pending_dir: Pending = None,
    json: Json = False,
) -> None:
    """Take the next item; it is yours until you submit, skip or return it, or its time ends."""
    session = session_of(context)
    body = {"queue": queue, "item": item, "annotator": annotator}
    found = session.client.call("POST", "/v1/review/next", body=body)["item"]
    _mirror(session, pending_dir)
    if printed_as_json(session, {"item": found}):
        return
    if found is None:
        print_line("Nothing waits for you.")
        return
    _print_item(found)


@app.command("show")
def show(context: typer.Context, item: Item, json: Json = False) -> None:
    """Show an item with its question, answer and sources."""
    session = session_of(context)
    found = session.client.call("GET", f"/v1/review/items/{item}")
    if not printed_as_json(session, found):
        _print_item(found)


@app.command("submit")
def submit(
    context: typer.Context,
    item: Item,
    verdict: Annotated[str, typer.Option(help="good, partial or bad.")] = "",
    failure_type: Annotated[
        str, typer.Option(help="What is wrong, such as hallucination or wrongly_blocked.")
    ] = "",
    answer: Annotated[str, typer.Option(help="The correct answer.")] = "",
    documents: Annotated[
        str, typer.Option(help="Names of the documents that hold it, separated by commas.")
    ] = "",
    note: Annotated[str, typer.Option(help="For other people.")] = "",
    file: Annotated[
        Path | None, typer.Option(help="A JSON file with these fields instead of options.")
    ] = None,
    annotator: Annotator = "",
    pending_dir: Pending = None,
    json: Json = False,
) -> None:
    """Submit your judgement of an item that you took."""
    session = session_of(context)
    given: dict[str, Any] = _read_file(file) if file else {}
    options = {
        "verdict": verdict,
        "failure_type": failure_type,
        "answer": answer,
        "documents": [name.strip() for name in documents.split(",") if name.strip()],
        "note": note,
    }
    given |= {name: value for name, value in options.items() if value}
    if not given.get("verdict"):
        raise InvalidInput("The verdict is missing.", hint="Add --verdict good, partial or bad.")
    path = f"/v1/review/items/{item}/submit"
    done = session.client.call("POST", path, body={**given, "annotator": annotator})
    _mirror(session, pending_dir)
    if not printed_as_json(session, done):
        left = {
            "done": "done",
            "adjudication": "the annotators disagree: a third person decides",
        }.get(done["state"], "another person judges it too")
        print_line(f"Stored the judgement of {done['trace_id']}: {left}.")


@app.command("skip")
def skip(
    context: typer.Context,
    item: Item,
    reason: Annotated[str, typer.Option(help="Why you do not judge it.")] = "",
    annotator: Annotator = "",
    json: Json = False,
) -> None:
    """Hand an item back and do not see it again."""
    _hand_back(context, item, "skip", {"reason": reason, "annotator": annotator})


@app.command("return")
def hand_back(
    context: typer.Context, item: Item, annotator: Annotator = "", json: Json = False
) -> None:
    """Hand an item back; anybody may take it at once."""
    _hand_back(context, item, "return", {"annotator": annotator})


def _hand_back(context: typer.Context, item: str, verb: str, body: dict[str, str]) -> None:
    session = session_of(context)
    session.client.call("POST", f"/v1/review/items/{item}/{verb}", body=body)
    if not printed_as_json(session, {"item": item, "returned": True}):
        print_line(f"{item} is free for others.")


def _mirror(session: Session, folder: Path | None) -> None:
    if folder is not None:
        sync_pending(session, folder)


def _read_file(path: Path) -> dict[str, Any]:
    try:
        given = json_lines.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path} cannot be read as JSON: {error}.") from error
    if not isinstance(given, dict) or not set(given) & set(_FIELDS):
        raise InvalidInput(
            f"{path} is not an annotation.", hint=f"Give an object with {', '.join(_FIELDS)}."
        )
    return {name: value for name, value in given.items() if name in _FIELDS}


def _print_item(found: dict[str, Any]) -> None:
    print_line(f"{found['trace_id']}  {found['reason'].replace('_', ' ')}", style="bold")
    known = found["context"]
    if known is None:
        print_line(found["text"])
        return
    print_line(f"Question: {known['question']}")
    print_line(f"Answer: {known['answer'] or 'none'}")
    for document, quote in zip(known["documents"], known["quotes"], strict=False):
        print_line(f"  {document}: {quote}")
    if known["guards"]:
        print_line(f"Blocked by: {', '.join(known['guards'])}")
    if found["text"]:
        print_line(f"Comment: {found['text']}")
    if found["lease_until"]:
        print_line(f"{found['lease_by']} holds it until {format_time(found['lease_until'])}.")
