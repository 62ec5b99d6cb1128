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

    def note_current(self) -> None:
        """Take the value in force as known: it is not a change."""
        self.known = self.read()

    def publish(self, send: Callable[[str, Any], object]) -> None:
        """Send the value to the other processes if it has changed here.

        Args:
            send: Called with name and value. After an error the next call sends the value again.
        """
        value = self.read()
        if value != self.known:
            send(self.name, value)
            self.known = value

    def adopt(self, value: object) -> None:
        """Put the value of another process in force."""
        if value != self.known:
            self.apply(value)
            self.known = self.read()
