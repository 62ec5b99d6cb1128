"""The generators that the settings ask for, the preferred one first."""

from trimtab.answers.budgets import Budget, Price
from trimtab.answers.extractive import MODEL as EXTRACTIVE
from trimtab.answers.extractive import ExtractiveGenerator
from trimtab.answers.generate import Generator
from trimtab.answers.stages import Deadlines, MeteredGenerator, TimedGenerator
from trimtab.infra.settings.sections.answers import AnswersSettings


def generators(
    settings: AnswersSettings, deadlines: Deadlines, budget: Budget | None
) -> list[tuple[str, Generator]]:
    """Return them by name: ``first`` and ``second`` where they are set, ``extractive`` always and last.

    Args:
        settings: The domain's.
        deadlines: Bound each reply.
        budget: Pays for them; None only prices their calls.
    """
    found = list[tuple[str, Generator]]()
    if settings.generator == "openai":
        first = (settings.generator_url, settings.generator_model, settings.generator_key)
        found.append(("first", _paid(first, settings, deadlines, budget)))
    if settings.second_url:
        second = (settings.second_url, settings.second_model, settings.second_key)
        found.append(("second", _paid(second, settings, deadlines, budget)))
    return [*found, (EXTRACTIVE, ExtractiveGenerator(settings.max_sentences))]


def _paid(
    model: tuple[str, str, str],
    settings: AnswersSettings,
    deadlines: Deadlines,
    budget: Budget | None,
) -> MeteredGenerator:
    # The client library takes as long to load as the rest of the service.
    from trimtab.answers.remote import RemoteGenerator

    remote = RemoteGenerator(*model, settings.generator_timeout_seconds)
    price = Price(settings.input_usd_per_million, settings.output_usd_per_million)
    timed = TimedGenerator(remote, deadlines, settings.generation_deadline_seconds)
    return MeteredGenerator(timed, price, budget)
