"""An erasure of a whole app is killed at each step and finishes after the restart."""

import shutil

from tests.answers.torture.result import Result
from tests.app.personal import PLACES, build_app, killed_and_finished, plant


def campaign(folder, places=PLACES):
    """Kill at every place, each time on a fresh copy of the same data; return what was left or done twice."""
    result = Result("erasures")
    planted = folder / "planted"
    app = build_app(planted)
    plant(app)
    app.close()
    for place in places:
        copy = shutil.copytree(planted, folder / "copy")
        result.wrong += [f"killed {place}: {what}" for what in killed_and_finished(copy, place)]
        shutil.rmtree(copy)
        result.tried += 1
    return result
