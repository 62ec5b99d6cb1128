"""The safe YAML loader, in C when available, which is ten times faster."""

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from yaml import SafeLoader
else:
    SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

__all__ = ["SafeLoader", "UniqueKeyLoader", "UntrustedLoader"]


class _UniqueKeys(yaml.constructor.SafeConstructor):
    """Refuses a key that stands twice in one mapping, of which YAML takes the last in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Return the mapping of a node."""
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                continue  # The constructor below refuses it.
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


class UniqueKeyLoader(_UniqueKeys, SafeLoader):
    """For files of this installation: refuses a key that stands twice."""


class UntrustedLoader(_UniqueKeys, yaml.SafeLoader):
    """For files of others, in Python: there endless nesting ends in `RecursionError`.

    In C it ends the process.
    """
