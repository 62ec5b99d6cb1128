"""`knowledge`: maintain the documents, move projects, measure search."""

from typing import ClassVar

import typer

from trimtab.cli.runtime.lazy_group import Lazy, LazyGroup


class _Commands(LazyGroup):
    """The commands of `trimtab knowledge`."""

    table: ClassVar = {
        # Its former name; `trimtab ingest` is the command.
        "ingest": Lazy(
            "trimtab.cli.knowledge.ingest",
            "Send files and folders to a project; files that are ingested already cost little.",
            hidden=True,
        ),
        "evaluate": Lazy(
            "trimtab.cli.knowledge.evaluate",
            "Index a corpus, run its queries and score the results by the judgements.",
        ),
        "verify": Lazy(
            "trimtab.cli.knowledge.maintenance",
            "Prove that deleted documents are in no table, index, cache or later backup.",
        ),
        "backup": Lazy("trimtab.cli.knowledge.maintenance", "Take a backup now, and check it."),
        "backups": Lazy(
            "trimtab.cli.knowledge.maintenance",
            "List the backups, the newest first; exit code 1 when a checked one is damaged.",
        ),
        "restore": Lazy(
            "trimtab.cli.knowledge.maintenance",
            "Restore a backup; the former file is kept and deletions since then are applied.",
        ),
        "recover": Lazy(
            "trimtab.cli.knowledge.maintenance",
            "Merge the readable part of a damaged database with the newest good backup.",
        ),
        "merge": Lazy(
            "trimtab.cli.knowledge.maintenance",
            "Merge a backup with a recovered database, taking the newer version of each document.",
        ),
        "scaffold": Lazy(
            "trimtab.cli.knowledge.maintenance",
            "Write the runbook's scripts and Python names into a folder; replaces nothing.",
        ),
        "disk": Lazy(
            "trimtab.cli.knowledge.disk", "List the largest entries of the data directory."
        ),
        "clean-up": Lazy(
            "trimtab.cli.knowledge.disk",
            "Remove old files and compress old logs; works on a full disk and without a service.",
        ),
        "move": Lazy(
            "trimtab.cli.knowledge.engines",
            "Move a project to another engine; the old one is used until the new one is verified.",
        ),
        "re-embed": Lazy(
            "trimtab.cli.knowledge.engines",
            "Make a project's vectors with another embedder; the old ones are used until all "
            "are there.",
        ),
        "warm": Lazy(
            "trimtab.cli.knowledge.warm",
            "Warm the cache with the most frequent queries, or those of a file.",
        ),
        "cache-trial": Lazy(
            "trimtab.cli.knowledge.cache_trial",
            "Replay recorded questions against query caches of several sizes; change nothing live.",
        ),
        "contradictions": Lazy(
            "trimtab.cli.knowledge.contradictions",
            "List statements of new documents whose figures or negation conflict with older ones.",
        ),
        "schema": Lazy(
            "trimtab.cli.knowledge.schema",
            "Print `schema.sql`, which creates an empty knowledge database of this release.",
        ),
    }


app = typer.Typer(cls=_Commands, no_args_is_help=True)


@app.callback()
def group() -> None:
    """Maintain the documents, move projects and measure search."""
