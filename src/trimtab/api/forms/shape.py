"""What a form is."""

from typing import Any

Shape = Any
"""A type whose JSON form describes a body: a dataclass, a union of some, or a pydantic model."""
