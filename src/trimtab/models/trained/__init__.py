"""The models that this package trains, and the predictors that read their files."""

from collections.abc import Mapping
from importlib import import_module  # noqa: TID251 - a table of this package's own modules.

from trimtab.models.errors import BadManifest
from trimtab.models.ports import PredictorLoader

PREDICTORS: Mapping[str, str] = {
    "earnings-analyzer": "trimtab.models.trained.earnings.predictor:EarningsPredictor",
    "sentiment-analyzer": "trimtab.models.trained.sentiment.model:SentimentPredictor",
}
"""``module:Class`` by the name that a manifest gives as its predictor; imported when used."""


def predictor_loader(name: str) -> PredictorLoader:
    """Return what loads the files of that predictor.

    Raises:
        BadManifest: There is none of that name.
    """
    if name not in PREDICTORS:
        raise BadManifest(
            f"There is no predictor named {name[:80]!r}.",
            hint=f"This release has: {', '.join(sorted(PREDICTORS)) or 'none'}.",
        )
    module, _, attribute = PREDICTORS[name].partition(":")
    loader: PredictorLoader = getattr(import_module(module), attribute).load
    return loader
