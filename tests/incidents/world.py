"""A tiny service to operate: a tank with a tap and a pump, kept in one JSON file so that it outlives a process."""

import json
from dataclasses import dataclass
from pathlib import Path

from trimtab.incidents.ports import CheckJudgement
from trimtab.kernel.errors import Unavailable
from trimtab.kernel.operable import (
    Action,
    ActionResult,
    Catalog,
    Effect,
    Fault,
    Param,
    Realism,
    Risk,
    Sample,
    Signal,
)

PAGE = """\
---
id: tank-empty
alerts: [TankLow]
severity: P2
ladder: knowledge
---
# Tank runs empty
The pump stops when the tank is empty.

## Gather
```sh
trimtab read tank.level
```

## Cause: the tap is open
```sh evidence
trimtab check 'tap_open == 1'
```
```sh fix
trimtab act tank.close_tap
trimtab act tank.refill litres=9
```
```sh verify
trimtab check 'tank_level > 5' --for 60s --give-up 10m
```
```sh drill
trimtab fault tank.open_tap
```

## Cause: the pump is broken
```sh evidence nature=infrastructure
trimtab check 'pump_ok == 0'
```
```sh fix
trimtab act tank.swap_pump
```
```sh verify
trimtab check 'tank_level > 5' --for 60s --give-up 10m
```
```sh drill
trimtab fault tank.break_pump
```

## Escalate when
The level stays low.
"""
TAP = "tank-empty/the-tap-is-open"
PUMP = "tank-empty/the-pump-is-broken"


@dataclass
class World:
    """The tank, and a log of every effect that really happened."""

    file: Path

    def __post_init__(self):
        if not self.file.exists():
            self._write(
                {
                    "tap": 0,
                    "pump": 1,
                    "level": 9,
                    "broken": [],
                    "unsampled": [],
                    "hung": 0,
                    "effects": [],
                }
            )

    def get(self, name):
        return json.loads(self.file.read_text())[name]

    def put(self, **values):
        self._write({**json.loads(self.file.read_text()), **values})

    def effect(self, context, what, **values):
        """Change the world once for each idempotency key."""
        known = self.get("effects")
        if [context.idempotency_key, what] not in known:
            self.put(effects=[*known, [context.idempotency_key, what]], **values)

    def _write(self, state):
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps(state))
        new.rename(self.file)

    # The monitor's side.

    def evaluate(self, expression, *, drill=False):
        name, operator, limit = expression.split()
        value = {"tap_open": "tap", "pump_ok": "pump", "tank_level": "level"}[name]
        value = self.get(value)
        holds = {"==": value == float(limit), ">": value > float(limit)}[operator]
        return [Sample(value)] if holds else []

    def judge(self, expression, *, drill=False, process=""):
        name = expression.split()[0]
        if name in self.get("unsampled"):
            return CheckJudgement(None, f"no samples of {name}")
        found = self.evaluate(expression)
        return CheckJudgement(bool(found), samples=found)

    def counts_drills_apart(self, alert):
        return False

    def firing(self, fingerprint):
        return self.get("level") < 5

    def sampled_since(self, at):
        return True


def catalog(world):
    """Return the tank's catalog."""

    def acting(what, undo_what=None, **values):
        def run(arguments, context):
            if what in world.get("broken"):
                raise Unavailable(f"{what} is stuck.")
            world.effect(context, what, **values)
            return ActionResult(f"{what} was done.", undo_arguments={})

        return run

    def would(arguments, context):
        return ActionResult("would do it.")

    def fault(name, **values):
        def inject(arguments):
            before = {key: world.get(key) for key in values}
            world.put(**values)
            return before

        return Fault(
            name,
            "Break it.",
            inject,
            lambda before: world.put(**before),
            realism=Realism.REAL,
        )

    return Catalog(
        signals=[
            Signal("tank.level", "litres", "How full.", lambda: [Sample(world.get("level"))]),
        ],
        actions=[
            Action(
                "tank.close_tap",
                "Close it.",
                Risk.AUTOMATIC,
                acting("close_tap", tap=0),
                would,
                undo=acting("open_tap", tap=1),
                effect=Effect.REVERSIBLE,
            ),
            Action(
                "tank.refill",
                "Fill it.",
                Risk.AUTOMATIC,
                acting("refill", level=9),
                would,
                params=(Param("litres", "integer", "How much.", minimum=1),),
                undo=acting("drain", level=1),
                effect=Effect.REVERSIBLE,
            ),
            Action(
                "tank.swap_pump",
                "Swap it.",
                Risk.APPROVAL,
                acting("swap_pump", pump=1, level=9),
                would,
                no_undo_because="the old pump works no worse",
                effect=Effect.REPEATABLE,
            ),
        ],
        faults=[
            fault("tank.open_tap", tap=1, level=1),
            fault("tank.break_pump", pump=0, level=1),
        ],
    )
