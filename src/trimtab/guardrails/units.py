# ruff: noqa: RUF001 - unit symbols.
"""Units of measure: dimension and factor to the base unit of each symbol and word."""

from decimal import Decimal

Unit = tuple[str, Decimal]
"""Dimension, and the factor that turns a value into the dimension's base unit."""

_SYMBOLS = {
    "length": {"km": "1000", "m": "1", "cm": "0.01", "mm": "0.001", "µm": "0.000001"},
    "mass": {"kg": "1000", "g": "1", "mg": "0.001", "µg": "0.000001", "mcg": "0.000001", "t": "1000000"},
    "volume": {"l": "1", "L": "1", "ml": "0.001", "mL": "0.001"},
    "data": {
        "kB": "1e3", "KB": "1e3", "MB": "1e6", "GB": "1e9", "TB": "1e12", "PB": "1e15", "KiB": "1024", "MiB": "1048576",
        "GiB": "1073741824", "TiB": "1099511627776",
    },
    # "m" is also the minutes of "30m", so it has both readings.
    "time": {"ms": "0.001", "s": "1", "min": "60", "m": "60", "h": "3600", "d": "86400"},
    "power": {"mW": "0.001", "W": "1", "kW": "1e3", "MW": "1e6", "GW": "1e9"},
    "voltage": {"mV": "0.001", "V": "1", "kV": "1e3"},
    "current": {"mA": "0.001", "A": "1"},
    "frequency": {"Hz": "1", "kHz": "1e3", "MHz": "1e6", "GHz": "1e9"},
    "pressure": {"mbar": "0.001", "bar": "1", "Pa": "0.00001", "hPa": "0.001", "kPa": "0.01", "MPa": "10"},
    "celsius": {"°C": "1"},
    "fahrenheit": {"°F": "1"},
    "%": {"%": "0.01", "％": "0.01"},
    "EUR": {"€": "1", "EUR": "1"},
    "USD": {"$": "1", "USD": "1", "US$": "1"},
    "GBP": {"£": "1", "GBP": "1"},
    "yen": {"¥": "1", "JPY": "1"},
    "CHF": {"CHF": "1"},
}  # fmt: skip
_WORDS = {
    "length": {"kilometre": "1000", "kilometer": "1000", "metre": "1", "meter": "1", "centimetre": "0.01", "centimeter": "0.01",
               "millimetre": "0.001", "millimeter": "0.001", "mile": "1609.344", "foot": "0.3048", "feet": "0.3048", "yard": "0.9144"},
    "mass": {"kilogram": "1000", "kilo": "1000", "gram": "1", "milligram": "0.001", "ton": "1000000", "tonne": "1000000", "pound": "453.6"},
    "volume": {"litre": "1", "liter": "1", "millilitre": "0.001", "milliliter": "0.001"},
    "data": {"kilobyte": "1e3", "megabyte": "1e6", "gigabyte": "1e9", "terabyte": "1e12"},
    "time": {"millisecond": "0.001", "second": "1", "sec": "1", "minute": "60", "min": "60", "hour": "3600", "hr": "3600", "day": "86400",
             "week": "604800", "Stunden": "3600", "Minuten": "60", "Sekunden": "1", "Tage": "86400", "Tagen": "86400"},
    "months": {"month": "1", "year": "12"},
    "power": {"watt": "1", "kilowatt": "1e3", "megawatt": "1e6"},
    "voltage": {"volt": "1"},
    "celsius": {"degree": "1"},
    "fahrenheit": {"degree": "1"},
    "angle": {"degree": "1"},
    "%": {"percent": "0.01", "per cent": "0.01", "prozent": "0.01", "por ciento": "0.01", "pour cent": "0.01", "per cento": "0.01",
          "por cento": "0.01", "procent": "0.01"},
    "EUR": {"euro": "1"},
    "USD": {"dollar": "1", "US dollar": "1"},
    "GBP": {"pound": "1"},
    "yen": {"yen": "1"},
    "CHF": {"franc": "1"},
}  # fmt: skip


def _by_name(table: dict[str, dict[str, str]], *, words: bool) -> dict[str, tuple[Unit, ...]]:
    found: dict[str, tuple[Unit, ...]] = {}
    for dimension, names in table.items():
        for name, factor in names.items():
            for key in (name.lower(), f"{name.lower()}s") if words else (name,):
                found[key] = (*found.get(key, ()), (dimension, Decimal(factor)))
    return found


_OF_SYMBOL = _by_name(_SYMBOLS, words=False)
_OF_WORD = _by_name(_WORDS, words=True)


def _alternatives(names: dict[str, tuple[Unit, ...]]) -> str:
    return "|".join(name.replace("$", r"\$") for name in sorted(names, key=len, reverse=True))


UNIT = rf"(?:(?i:{_alternatives(_OF_WORD)})|{_alternatives(_OF_SYMBOL)})(?!\w)"
"""Pattern of a unit after a number. Words ignore case, symbols do not: mW is not MW."""
CURRENCIES = r"(?:(?:USD|EUR|GBP|JPY|CHF|US\$) ?|[$€£¥] ?)"
"""Pattern of a currency before a number."""


def units_of(name: str) -> tuple[Unit, ...]:
    """Return the readings of a unit's name or symbol; none for an unknown one."""
    return _OF_SYMBOL.get(name) or _OF_WORD.get(name.lower(), ())
