"""Values in memory that all processes of a fleet share, such as a bypass or the live rules."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class SharedValue:
    """A value that an action changes in one process and that every process applies.

    Attributes:
        name: ``domain.thing``.
        read: Returns the value in force here, ready for JSON.
        apply: Puts a value of another process in force.
        known: The value that was last published or applied.
    """

    name: str
    read: Callable[[], Any]
    apply: Callable[[Any], object]
    known: Any = field(default=None, init=False)

    def take_change(self) -> bool:
        """Return whether the value has changed here since; remember it."""
        value = self.read()
        if value == self.known:
            return False
        self.known = value
        return True

    def adopt(self, value: object) -> None:
        """Put the value of another process in force."""
        if value != self.known:
            self.apply(value)
            self.known = self.read()
