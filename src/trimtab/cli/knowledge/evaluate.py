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
    json: Json = False,
) -> None:
    """Index a corpus, run its queries and score the results by the judgements."""
    session = session_of(context)
    report = _measured(session, set_)
    if not printed_as_json(session, report):
        print_table(("metric", "value"), report.items())


def _measured(session: Session, folder: Path) -> dict[str, float]:
    from rich.console import Console
    from rich.progress import Progress

    from trimtab.knowledge.embedding import MiniLmEmbedder, ensure_model
    from trimtab.knowledge.evaluate import evaluate as measure

    model = session.settings.service.data_dir / "models" / "minilm"
    ensure_model(model)
    embedder = MiniLmEmbedder(model, session.settings.knowledge.embedding_threads)
    try:
        with Progress(console=Console(stderr=True), transient=True, disable=session.json) as bar:
            task = bar.add_task("reading", total=None)

            def progress(done: int, total: int, what: str) -> None:
                bar.update(task, completed=done, total=total, description=what)

            return measure(folder, embedder, progress).as_dict()
    finally:
        embedder.close()
