"""Loads settings from defaults, file, environment and flags; later sources win."""

import math
import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import get_type_hints

from trimtab.infra.settings.settings import Settings
from trimtab.infra.settings.table import Setting, rows
from trimtab.kernel.errors import Misconfigured

_TRUTH = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


def load(
    file: Path | None = None,
    flags: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """Load and validate the settings.

    Args:
        file: A TOML file, or YAML when its name ends so; by default ``trimtab.toml`` in the working
            directory, when there is one.
        flags: ``section.field`` to text, as given on the command line.
        environment: Environment variables; by default those of the process.

    Raises:
        Misconfigured: The file cannot be read or parsed, or a name, type or value is wrong. The
        message names the
            source, the hint the next step.
    """
    table = {row.name: row for row in rows(Settings)}
    chosen: dict[str, object] = {}
    for name, raw, place in _all_given(table, file, flags, environment):
        chosen[name] = _check(table, name, raw, place)
    sections = {}
    for section, section_type in get_type_hints(Settings).items():
        values = {
            name.partition(".")[2]: value
            for name, value in chosen.items()
            if name.partition(".")[0] == section
        }
        sections[section] = section_type(**values)
    return Settings(**sections)


def is_given(
    name: str,
    file: Path | None = None,
    flags: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> bool:
    """Return whether a setting was given, also when its value is the default; arguments of `load`.

    Raises:
        Misconfigured: The file cannot be read or parsed.
    """
    table = {row.name: row for row in rows(Settings)}
    return any(each == name for each, _, _ in _all_given(table, file, flags, environment))


_Given = tuple[str, object, str]


def _all_given(
    table: Mapping[str, Setting],
    file: Path | None,
    flags: Mapping[str, str] | None,
    environment: Mapping[str, str] | None,
) -> list[_Given]:
    """Return what the file, the environment and the flags set, the strongest last."""
    return [
        *_from_file(file),
        # The only place that reads the environment for settings.
        *_from_environment(table, os.environ if environment is None else environment),  # noqa: TID251
        *((name, value, f"--set {name}") for name, value in (flags or {}).items()),
    ]


def _from_file(file: Path | None) -> list[_Given]:
    path = file or Path("trimtab.toml")
    if file is None and not path.exists():
        return []
    document = _document(path)
    given: list[_Given] = []
    for section, body in document.items():
        if not isinstance(body, dict):
            raise Misconfigured(
                f"{path}: {section!r} is outside a section.",
                hint="Write [section] above it, then field = value; in YAML, its fields below it.",
            )
        given += [
            (f"{section}.{name}", value, f"{path} [{section}] {name}")
            for name, value in body.items()
        ]
    return given


def _document(path: Path) -> dict[str, object]:
    is_yaml = path.suffix in (".yaml", ".yml")
    try:
        text = path.read_text(encoding="utf-8")
        return _yaml(text, path) if is_yaml else tomllib.loads(text)
    except OSError as error:
        raise Misconfigured(
            f"The settings file {path} cannot be read: {error.strerror}.",
            hint="Check its path and permissions.",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(
            f"The settings file {path} is not valid {'YAML' if is_yaml else 'TOML'}: {error}.",
            hint="Correct that line, or remove the file.",
        ) from error


def _yaml(text: str, path: Path) -> dict[str, object]:
    import yaml

    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Misconfigured(
            f"The settings file {path} is not valid YAML: {' '.join(str(error).split())}.",
            hint="Correct that line, or remove the file.",
        ) from error
    if not isinstance(found or {}, dict):
        raise Misconfigured(
            f"The settings file {path} holds no map of sections.",
            hint="Write the section, then its fields below it, as `trimtab settings` names them.",
        )
    return {str(section): body or {} for section, body in (found or {}).items()}


def _from_environment(table: Mapping[str, Setting], environment: Mapping[str, str]) -> list[_Given]:
    given: list[_Given] = []
    for row in table.values():
        given += [
            (row.name, environment[variable], f"${variable}")
            # The variable with the highest priority comes last and wins.
            for variable in reversed(row.env)
            if variable in environment
        ]
    return given


def _check(table: Mapping[str, Setting], name: str, raw: object, place: str) -> object:
    row = table.get(name)
    if row is None:
        near = get_close_matches(name, table, n=2)
        raise Misconfigured(
            f"{place}: there is no setting {name!r}.",
            hint=(
                f"Did you mean {' or '.join(near)}?"
                if near
                else "`trimtab settings` lists them all."
            ),
        )
    value = _convert(row, raw, place)
    if row.choices and value not in row.choices:
        raise Misconfigured(
            f"{place}: {value!r} is not allowed.", hint=f"Choose one of: {', '.join(row.choices)}."
        )
    if isinstance(value, int | float) and not isinstance(value, bool):
        low = -math.inf if row.minimum is None else row.minimum
        high = math.inf if row.maximum is None else row.maximum
        if not low <= value <= high:
            raise Misconfigured(
                f"{place}: {value} is out of range.",
                hint=f"Give {low} to {high} {row.unit}.".rstrip(),
            )
    return value


def _convert(row: Setting, raw: object, place: str) -> object:
    try:
        if row.type is bool:
            return raw if isinstance(raw, bool) else _TRUTH[str(raw).strip().lower()]
        if row.type == tuple[str, ...]:
            words = raw if isinstance(raw, list) else str(raw).split(",")
            return tuple(str(word).strip() for word in words if str(word).strip())
        if raw is None or isinstance(raw, bool | list | dict):
            raise ValueError
        if row.type is int and isinstance(raw, float):
            raise ValueError
        return row.type(raw)
    except (ValueError, KeyError):
        type_name = getattr(row.type, "__name__", str(row.type))
        raise Misconfigured(
            f"{place}: {raw!r} is not of type {type_name}.", hint=f"{row.name}: {row.help}"
        ) from None
