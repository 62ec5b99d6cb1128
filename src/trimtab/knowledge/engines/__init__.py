"""Vector search in a server: PostgreSQL with pgvector, Chroma, Qdrant.

The store stays authoritative. A server holds a copy of each passage's vector with the tags and
labels that decide who may see it, but no text. It proposes the nearest passages; their scores come
from the stored vectors. So a server can be lost, emptied or moved at any time, and one that returns
wrong results finds less but never shows a passage to a caller who may not see it.

``port`` is the interface of an engine, ``guarded`` adds a circuit breaker, ``remote`` keeps one
project's copy in step with the store, ``registry`` holds all engines, and ``migration`` moves a
project from one engine to another.
"""

from trimtab.knowledge.engine_port import EMBEDDED, Point, SearchFilter, VectorEngine

__all__ = ["EMBEDDED", "Point", "SearchFilter", "VectorEngine"]
