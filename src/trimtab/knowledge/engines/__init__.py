"""Vector search in a server: PostgreSQL with pgvector, Chroma, Qdrant.

The store is the truth here too. A server holds a copy of each passage's vector with the tags and labels that decide who
finds it, and no text; it proposes the nearest passages, and their scores come from the stored vectors. So a server can
be lost, emptied or moved at any time, and one that answers nonsense finds less but shows nobody what is not theirs.

``port`` is what an engine must do, ``guarded`` keeps callers from waiting for one that is down, ``remote`` keeps one
project's copy in step with the store, ``engines`` knows them all, ``move`` takes a project from one to another.
"""

from trimtab.knowledge.engines.port import EMBEDDED, Point, SearchFilter, VectorEngine

__all__ = ["EMBEDDED", "Point", "SearchFilter", "VectorEngine"]
