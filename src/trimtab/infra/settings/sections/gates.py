"""Settings of the release gates in a running service."""

from dataclasses import dataclass

from trimtab.infra.settings.table import setting


@dataclass(frozen=True, slots=True)
class GatesSettings:
    """The project to evaluate, its keys and the interval."""

    project: str = setting(
        "",
        help=(
            "The project directory whose evidence is watched; empty watches nothing, or in drills a"
            " specimen under the data directory."
        ),
    )
    keys: str = setting(
        "",
        help=(
            "The folder of keys that signatures are checked with, outside of the project; empty for"
            " trimtab/keys in the user's configuration folder."
        ),
    )
    interval_seconds: float = setting(
        300.0,
        unit="seconds",
        help="The time between two judgements of the project.",
        minimum=1,
    )
