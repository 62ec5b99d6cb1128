"""`knowledge evaluate`: measure search on a set with relevance judgements."""

from pathlib import Path
from typing import Annotated

import typer

from trimtab.cli.runtime.console import print_table, printed_as_json
from trimtab.cli.runtime.session import Json, Session, session_of

app = typer.Typer()


@app.command()
def evaluate(
    context: typer.Context,
    set_: Annotated[
        Path,
        typer.Option("--data", help="A BEIR-style folder: corpus.jsonl, queries.jsonl, qrels.tsv."),
    ],
    embedder: Annotated[
        str, typer.Option(help="standard, or multilingual with trimtab[multilingual].")
    ] = "standard",
    json: Json = False,
) -> None:
    """Index a corpus, run its queries and score the results by the judgements."""
    session = session_of(context)
    report = _measure(session, set_, embedder)
    if not printed_as_json(session, report):
        print_table(("metric", "value"), report.items())


def _measure(session: Session, folder: Path, name: str) -> dict[str, float]:
    from rich.console import Console
    from rich.progress import Progress

    from trimtab.knowledge.embedders import EMBEDDERS
    from trimtab.knowledge.errors import EmbedderNotInstalled, EmbedderUnknown
    from trimtab.knowledge.evaluate import evaluate as measure
    from trimtab.knowledge.model_store import PackagedModelStore

    if (kind := EMBEDDERS.get(name)) is None:
        raise EmbedderUnknown(f"There is no embedder {name!r}.")
    model = session.settings.service.data_dir / "models" / kind.folder
    store = PackagedModelStore(model, session.settings.knowledge.embedding_threads, kind)
    if store.missing() and not store.is_installed():
        raise EmbedderNotInstalled.of(name)
    store.install()
    embedder = store.load()
    try:
        with Progress(console=Console(stderr=True), transient=True, disable=session.json) as bar:
            task = bar.add_task("reading", total=None)

            def progress(done: int, total: int, what: str) -> None:
                bar.update(task, completed=done, total=total, description=what)

            return measure(folder, embedder, progress, kind.prefixes, kind.meaning).as_dict()
    finally:
        embedder.close()
