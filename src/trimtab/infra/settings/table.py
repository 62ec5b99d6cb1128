"""Declares settings as dataclass fields and lists them as a table."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, get_type_hints


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as a row of the table."""

    name: str
    """``section.field``, as in the settings file: ``[section]`` then ``field = ...``."""
    type: type
    default: object
    unit: str
    help: str
    env: tuple[str, ...]
    """Environment variables that set it, highest priority first: ``TRIMTAB_SECTION_FIELD``, then
    others.
    """
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]
    secret: bool = False
    """True if its value must not be shown anywhere."""


def setting(  # noqa: PLR0913 - one keyword for each column of the table.
    default: object,
    *,
    help: str,  # noqa: A002 - the name in the table.
    unit: str = "",
    env: tuple[str, ...] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
    secret: bool = False,
) -> Any:
    """Declare a setting as a field of a section's frozen dataclass.

    Args:
        default: The contract's value where it states one.
        help: One sentence for the person who changes it.
        unit: The unit, such as ``seconds``, ``MB``, ``entries``; empty for a plain number or text.
        env: Names fixed by the contract (``QUERY_CACHE_SIZE``), in addition to
            ``TRIMTAB_SECTION_FIELD``.
        minimum: The smallest number allowed.
        maximum: The largest number allowed.
        choices: The values allowed.
        secret: Whether its value is hidden in lists of settings and in the section's ``repr``.
    """
    row = {
        "help": help,
        "unit": unit,
        "env": env,
        "minimum": minimum,
        "maximum": maximum,
        "choices": choices,
        "secret": secret,
    }
    return field(default=default, metadata=row, repr=not secret)


def rows(settings_type: type) -> Iterator[Setting]:
    """Yield every setting of all sections, in the order of declaration."""
    for section, section_type in get_type_hints(settings_type).items():
        if not is_dataclass(section_type):
            continue
        types = get_type_hints(section_type)
        for entry in fields(section_type):
            row = entry.metadata
            own = f"TRIMTAB_{section}_{entry.name}".upper()
            yield Setting(
                name=f"{section}.{entry.name}",
                type=types[entry.name],
                default=entry.default,
                unit=row["unit"],
                help=row["help"],
                env=(own, *row["env"]),
                minimum=row["minimum"],
                maximum=row["maximum"],
                choices=row["choices"],
                secret=row["secret"],
            )
