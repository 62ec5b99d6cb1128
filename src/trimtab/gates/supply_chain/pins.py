"""Version pins: allowed versions of installed packages, read from a file.

A lock file lists the packages that trimtab needs. Pins also apply to extras and other packages in
the environment; a pin of a package that is not installed has no effect.
"""

from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from trimtab.gates.codes import finding
from trimtab.gates.errors import EvidenceUnreadable
from trimtab.gates.evidence_files import read_evidence
from trimtab.gates.records import Finding
from trimtab.gates.supply_chain.installed import Installed, normalised

SHIPPED_PINS = Path(__file__).with_name("pins.txt")
PROJECT_PINS = "pins.txt"


def load_pins(root: Path | None) -> dict[str, Requirement]:
    """Return the pins by package name; the project's replace the shipped ones.

    Raises:
        EvidenceUnreadable: A line is not a requirement with a version.
    """
    pins = _read(SHIPPED_PINS)
    own = None if root is None else root / PROJECT_PINS
    if own is not None and own.exists():
        pins |= _read(own)
    return pins


def _read(path: Path) -> dict[str, Requirement]:
    pins = {}
    text = read_evidence(path).decode("utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        stated = line.partition("#")[0].strip()
        if not stated:
            continue
        try:
            pin = Requirement(stated)
        except InvalidRequirement as error:
            raise _wrong(path, number, stated) from error
        if not pin.specifier:
            raise _wrong(path, number, stated)
        pins[normalised(pin.name)] = pin
    return pins


def _wrong(path: Path, number: int, stated: str) -> EvidenceUnreadable:
    return EvidenceUnreadable(
        f"Line {number} of {path.name} is not a pin: {stated[:80]!r}.",
        hint="Write one requirement a line with a version, such as `transformers>=4.40,<5`.",
    )


def pin_findings(installed: Installed, pins: dict[str, Requirement]) -> Iterator[Finding]:
    """Yield a finding for each installed package outside its pin.

    An invalid version is outside.
    """
    for package in installed.packages:
        pin = pins.get(package.key)
        if pin is None or (pin.marker is not None and not pin.marker.evaluate()):
            continue
        if not _inside(package.version, pin):
            yield finding(
                "supply_chain.pin_broken",
                package.purl,
                f"{package.name} {package.version} is installed, the pin is {pin}",
                fix=f"Install a version inside the pin: `pip install '{pin}'`.",
            )


def _inside(version: str, pin: Requirement) -> bool:
    try:
        # A pre-release of 5.0 is older than 5.0, but `<5` must exclude it; `contains` handles that.
        return pin.specifier.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return False
