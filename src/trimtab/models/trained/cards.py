"""Model cards: data, licence, metrics, baseline and limits as Markdown."""

from collections.abc import Mapping
from dataclasses import dataclass

_FIGURES = {
    "f1": "F1",
    "auc": "AUC",
    "auprc": "AUPRC",
    "brier": "Brier score",
    "calibration_error": "calibration error",
    "macro_f1": "macro-F1",
    "accuracy": "accuracy",
}


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Purpose, data, licence, method and limits of a model."""

    title: str
    purpose: str
    data: str
    licence: str
    method: str
    limits: tuple[str, ...]

    def render(
        self, metrics: Mapping[str, float], baselines: Mapping[str, Mapping[str, float]]
    ) -> str:
        """Return the card as Markdown, with the figures of the model and of its baselines."""
        columns = ("this model", *baselines)
        measured = (metrics, *baselines.values())
        names = list(dict.fromkeys(name for figures in measured for name in figures))
        lines = [f"| figure | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
        for name in names:
            values = [f"{f[name]:g}" if name in f else "-" for f in measured]
            lines.append(f"| {figure_title(name)} | {' | '.join(values)} |")
        limits = "\n".join(f"- {limit}" for limit in self.limits)
        return (
            f"# {self.title}\n\n{self.purpose}\n\n"
            f"## Data and licence\n\n{self.data}\n\n{self.licence}\n\n"
            f"## Method\n\n{self.method}\n\n"
            "## Figures\n\n" + "\n".join(lines) + f"\n\n## Limits\n\n{limits}\n"
        )


def figure_title(name: str) -> str:
    """Return the name of a figure for people; ``cv_`` means five-fold cross-validation."""
    for prefix, split in (("cv_", "5 folds"), ("held_out_", "held-out fifth")):
        if name.startswith(prefix):
            return f"{figure_title(name.removeprefix(prefix))} ({split})"
    return _FIGURES.get(name, name.replace("_", " "))
