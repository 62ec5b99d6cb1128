"""`answers`: measure answers, compare configurations, review, erase."""

from typing import ClassVar

import typer

from trimtab.cli.runtime.lazy_group import Lazy, LazyGroup


class _Commands(LazyGroup):
    """The commands of `trimtab answers`."""

    table: ClassVar = {
        "golden": Lazy("trimtab.cli.evaluation.golden", "Check the set of golden questions."),
        "eval": Lazy(
            "trimtab.cli.evaluation.run",
            "Replay golden or past questions; exit 1 unless answers are shown to be as good.",
        ),
        "load-test": Lazy(
            "trimtab.cli.evaluation.run",
            "Ask many questions at once; exit 1 on an error or when p95 grew by more than 20 %.",
        ),
        "traces": Lazy(
            "trimtab.cli.evaluation.run",
            "Write the newest traces to a JSON Lines file, for `answers eval --traces-dir`.",
        ),
        "evaluate": Lazy(
            "trimtab.cli.evaluation.run",
            "Ask each question with its own context and with another one.",
        ),
        "flywheel": Lazy(
            "trimtab.cli.evaluation.flywheel",
            "Triage a week's failures; after the annotation, --continue completes the cycle.",
        ),
        "tasks": Lazy(
            "trimtab.cli.admin.checklists",
            "Run an operations checklist; exit 1 if a task needs a person.",
        ),
        "erase": Lazy(
            "trimtab.cli.admin.privacy",
            "Erase all data of a person and print each step; exit 1 while it is incomplete.",
        ),
        "replay": Lazy(
            "trimtab.cli.evaluation.experiments",
            "Replay the newest questions with another configuration; exit 1 if answers get worse.",
        ),
        "shadow": Lazy(
            "trimtab.cli.evaluation.experiments",
            "Compare the shadow configuration with the present one; exit 1 if it is worse.",
        ),
        "canary": Lazy(
            "trimtab.cli.evaluation.experiments",
            "Run the canary questions; exit 1 if one misses its document.",
        ),
        "reviews": Lazy(
            "trimtab.cli.answers.reviews", "List the answers that need a review, and the reasons."
        ),
    }


app = typer.Typer(cls=_Commands, no_args_is_help=True)


@app.callback()
def group() -> None:
    """Work with stored answers, evaluations and erasures."""
