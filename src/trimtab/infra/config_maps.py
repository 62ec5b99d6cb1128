"""Reads a ConfigMap as Kubernetes mounts it: a folder with a file for each key, or a YAML file."""

from collections.abc import Collection, Mapping
from pathlib import Path

from trimtab.infra.yaml_loader import SafeLoader
from trimtab.kernel.errors import InvalidInput

_MAX_KEY_BYTES = 1000
_MAX_FILE_BYTES = 100_000


class BadConfigMap(InvalidInput):
    """A mounted ConfigMap cannot be read, or has a value that cannot be applied."""

    code = "service.bad_config_map"
    default_hint = "Write each key as text, such as maintenance_mode: 'true'."


def read_config_map(folder: Path, name: str, keys: Collection[str]) -> dict[str, str]:
    """Return the given keys of a ConfigMap; none when it is not there.

    Args:
        folder: Where it is mounted, as the folder `name` or as the file `name` with ``.yaml``,
            there with or without ``data``.
        name: Of the ConfigMap.
        keys: The keys that are read; others are ignored.

    Raises:
        BadConfigMap: The YAML file is not valid, or holds no map.
        OSError: It is there and cannot be read.
        UnicodeDecodeError: It is not encoded as UTF-8.
    """
    mounted = folder / name
    if mounted.is_dir():
        files = {key: mounted / key for key in keys if (mounted / key).is_file()}
        return {
            key: file.read_bytes()[:_MAX_KEY_BYTES].decode().strip() for key, file in files.items()
        }
    file = folder / f"{name}.yaml"
    if not file.is_file():
        return {}
    found = _map(file.read_bytes()[:_MAX_FILE_BYTES].decode(), file.name)
    return {key: str(found[key]).strip() for key in keys if key in found}


def parse_bool(key: str, text: str) -> bool:
    """Return the value of a key that is ``true`` or ``false``.

    Raises:
        BadConfigMap: It is neither.
    """
    if text.lower() not in ("true", "false"):
        raise BadConfigMap(f"{key} is {text[:40]!r}, not true or false.")
    return text.lower() == "true"


def _map(text: str, name: str) -> Mapping[str, object]:
    import yaml

    try:
        body = yaml.load(text, Loader=SafeLoader)  # noqa: S506 - it is a safe loader, in C.
    except yaml.YAMLError as error:
        raise BadConfigMap(f"{name} is not valid YAML.") from error
    if isinstance(body, dict) and isinstance(body.get("data"), dict):
        body = body["data"]
    if body is None:
        return {}
    if not isinstance(body, dict):
        raise BadConfigMap(f"{name} holds no map.")
    return {str(key): value for key, value in body.items()}
