"""The tests of the stores run on both engines."""

from tests.knowledge.both_engines import knowledge_server  # noqa: F401
