"""Plausible accuracy and size of well-known benchmarks, with sources.

``floor`` is the share of the rarest answer, the lowest accuracy of a constant answer: a result far
below it indicates swapped labels or a broken parser, not a weak model. ``best`` is the best
published accuracy, or the limit set by label noise, rounded up; a higher result needs an
explanation. Sizes are those of the split that lm-evaluation-harness scores.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """Plausible accuracy and sample count of a benchmark."""

    samples: int | None
    """The whole benchmark's sample count; None for a family of tasks of different sizes."""
    floor: float
    best: float
    source: str


WINDOWS: dict[str, Window] = {
    "mmlu": Window(14042, 0.229, 0.94, "Hendrycks et al. 2021, arXiv:2009.03300; label noise about 6 %: Gema et al. 2024, arXiv:2406.04127"),
    "mmlu_pro": Window(12032, 0.07, 0.91, "Wang et al. 2024, arXiv:2406.01574"),
    "hellaswag": Window(10042, 0.24, 0.965, "Zellers et al. 2019, arXiv:1905.07830: people 0.956"),
    "arc_easy": Window(2376, 0.21, 0.995, "Clark et al. 2018, arXiv:1803.05457"),
    "arc_challenge": Window(1172, 0.20, 0.98, "Clark et al. 2018, arXiv:1803.05457"),
    "winogrande": Window(1267, 0.49, 0.95, "Sakaguchi et al. 2019, arXiv:1907.10641: people 0.94"),
    "piqa": Window(1838, 0.49, 0.965, "Bisk et al. 2019, arXiv:1911.11641: people 0.949"),
    "openbookqa": Window(500, 0.20, 0.97, "Mihaylov et al. 2018, arXiv:1809.02789: people 0.92"),
    "boolq": Window(3270, 0.378, 0.935, "Clark et al. 2019, arXiv:1905.10044: people 0.90"),
    "sciq": Window(1000, 0.0, 0.995, "Welbl et al. 2017, arXiv:1707.06209"),
    "race": Window(1045, 0.20, 0.96, "Lai et al. 2017, arXiv:1704.04683: ceiling 0.945"),
    "copa": Window(100, 0.40, 1.0, "Roemmele et al. 2011; people 1.0: Wang et al. 2019, arXiv:1905.00537"),
    "rte": Window(277, 0.47, 0.96, "Wang et al. 2019, arXiv:1905.00537: people 0.936"),
    "wic": Window(638, 0.5, 0.82, "Pilehvar and Camacho-Collados 2019, arXiv:1808.09121: people 0.80"),
    "wsc": Window(104, 0.36, 1.0, "Levesque et al. 2012; people 1.0: arXiv:1905.00537"),
    "cb": Window(56, 0.0, 1.0, "de Marneffe et al. 2019; people 0.958: arXiv:1905.00537"),
    "anli_r1": Window(1000, 0.333, 0.86, "Nie et al. 2020, arXiv:1910.14599"),
    "anli_r2": Window(1000, 0.333, 0.83, "Nie et al. 2020, arXiv:1910.14599"),
    "anli_r3": Window(1200, 0.33, 0.83, "Nie et al. 2020, arXiv:1910.14599"),
    "truthfulqa_mc1": Window(817, 0.0, 0.92, "Lin et al. 2022, arXiv:2109.07958"),
    "truthfulqa_mc2": Window(817, 0.0, 0.94, "Lin et al. 2022, arXiv:2109.07958"),
    "lambada_openai": Window(5153, 0.0, 0.92, "Paperno et al. 2016, arXiv:1606.06031; people 0.86 on a subset"),
    "logiqa": Window(651, 0.20, 0.92, "Liu et al. 2020, arXiv:2007.08124: people 0.86, ceiling 0.95"),
    "gsm8k": Window(1319, 0.0, 0.98, "Cobbe et al. 2021, arXiv:2110.14168; label noise 1-2 %: Vendrow et al. 2025, arXiv:2502.03461"),
    "humaneval": Window(164, 0.0, 0.995, "Chen et al. 2021, arXiv:2107.03374"),
    "mbpp": Window(500, 0.0, 0.97, "Austin et al. 2021, arXiv:2108.07732"),
    "ifeval": Window(541, 0.0, 0.95, "Zhou et al. 2023, arXiv:2311.07911"),
    "bbh": Window(6511, 0.0, 0.96, "Suzgun et al. 2022, arXiv:2210.09261"),
    "gpqa_main": Window(448, 0.20, 0.93, "Rein et al. 2023, arXiv:2311.12022: about 3 % label noise"),
    "gpqa_diamond": Window(198, 0.20, 0.95, "Rein et al. 2023, arXiv:2311.12022"),
    "hendrycks_math": Window(5000, 0.0, 0.985, "Hendrycks et al. 2021, arXiv:2103.03874"),
    "triviaqa": Window(17944, 0.0, 0.93, "Joshi et al. 2017, arXiv:1705.03551"),
    "nq_open": Window(3610, 0.0, 0.75, "Kwiatkowski et al. 2019; Lee et al. 2019, arXiv:1906.00300"),
    "drop": Window(9536, 0.0, 0.97, "Dua et al. 2019, arXiv:1903.00161: people F1 0.964"),
    "pubmedqa": Window(1000, 0.10, 0.86, "Jin et al. 2019, arXiv:1909.06146: people 0.78"),
    "medqa_4options": Window(1273, 0.20, 0.97, "Jin et al. 2020, arXiv:2009.13081"),
    "mathqa": Window(2985, 0.17, 0.95, "Amini et al. 2019, arXiv:1905.13319: noisy labels"),
    "sst2": Window(872, 0.49, 0.985, "Socher et al. 2013; Wang et al. 2018, arXiv:1804.07461"),
    "mnli": Window(9815, 0.31, 0.935, "Williams et al. 2018, arXiv:1704.05426"),
    "qnli": Window(5463, 0.49, 0.97, "Wang et al. 2018, arXiv:1804.07461"),
    "mrpc": Window(408, 0.31, 0.95, "Dolan and Brockett 2005; arXiv:1804.07461"),
    "webqs": Window(2032, 0.0, 0.75, "Berant et al. 2013"),
    "swag": Window(20006, 0.24, 0.95, "Zellers et al. 2018, arXiv:1808.05326"),
}  # fmt: skip

FAMILIES: dict[str, Window] = {
    "mmlu_": Window(None, 0.10, 1.0, "a subject of mmlu, 100 to 1,534 questions"),
    "hendrycksTest-": Window(None, 0.10, 1.0, "a subject of mmlu, old name"),
    "blimp_": Window(None, 0.0, 1.0, "Warstadt et al. 2020, arXiv:1912.00582"),
}
"""Beginnings of names, for tasks that come in families."""


def window_of(name: str) -> Window | None:
    """Return the window of a benchmark or its family; None if unknown."""
    if name in WINDOWS:
        return WINDOWS[name]
    return next((window for start, window in FAMILIES.items() if name.startswith(start)), None)
