"""trimtab's own figures, in a process of its own: ``python -m benchmarks.knowledge_ours FOLDER``."""

import sys
from pathlib import Path

import numpy as np
from benchmarks.knowledge_data import PROJECTS, Data
from benchmarks.knowledge_measure import TOP, Figures, asked, memory_mb, recall, timed

from trimtab.knowledge.index import IndexedPassage, ProjectIndex, VectorIndex, analysed, query_terms
from trimtab.knowledge.index.keywords import KeywordIndex
from trimtab.knowledge.index.vectors import best_first
from trimtab.knowledge.ranking import rank
from trimtab.text.languages import LANGUAGES

BATCH = 5000


def one_index(data: Data) -> VectorIndex:
    index = VectorIndex(data.vectors.shape[1])
    index.add(np.arange(len(data.vectors)), data.vectors)
    return index


def by_project(data: Data) -> list[ProjectIndex]:
    made = []
    for project in range(PROJECTS):
        index = ProjectIndex(data.vectors.shape[1])
        index.add(
            IndexedPassage(int(key), data.texts[key], data.vectors[key])
            for key in np.flatnonzero(data.projects == project)
        )
        made.append(index)
    return made


def all_words(data: Data) -> KeywordIndex:
    index = KeywordIndex(LANGUAGES)
    for start in range(0, len(data.texts), BATCH):
        index.add(
            (start + at, analysed(text))
            for at, text in enumerate(data.texts[start : start + BATCH])
        )
    return index


def words(figures: Figures, data: Data) -> None:
    index, figures.keyword_build_cpu_s = timed(lambda: all_words(data))

    def by_words(number):
        terms = query_terms(data.questions[number], index.languages)
        matches = index.search(terms)
        return best_first(matches.keys, matches.scores, TOP)[0]

    _, figures.keyword_cpu_ms = asked(by_words, len(data.queries))


def vectors(figures: Figures, data: Data) -> None:
    index, figures.build_cpu_s = timed(lambda: one_index(data))
    answers, figures.all_cpu_ms = asked(
        lambda number: index.search(data.queries[number], TOP).keys, len(data.queries)
    )
    figures.all_recall = recall(answers, data, within=False)


def projects(figures: Figures, data: Data) -> float:
    """Fill in one project's figures; return the CPU milliseconds of a whole hybrid ranking."""
    indexes = by_project(data)
    answers, figures.project_cpu_ms = asked(
        lambda n: indexes[data.asked[n]].vectors.search(data.queries[n], TOP).keys,
        len(data.queries),
    )
    figures.project_recall = recall(answers, data, within=True)
    figures.memory_mb = memory_mb(data)
    _, ranked = asked(
        lambda n: rank(indexes[data.asked[n]], data.questions[n], data.queries[n], limit=TOP),
        len(data.queries),
    )
    return ranked


def main(folder: Path) -> None:
    data, figures = Data.load(folder), Figures("trimtab")
    hybrid = projects(figures, data)
    vectors(figures, data)
    words(figures, data)
    figures.hybrid_cpu_ms = hybrid
    figures.print()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
