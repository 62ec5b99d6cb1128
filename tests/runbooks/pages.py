"""A small catalog and a page that fits it."""

from trimtab.kernel.errors import Misconfigured
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
Somebody left it open.

```sh evidence nature=infrastructure
trimtab check 'tank_tap == 1'
```
```sh fix
trimtab act tank.close_tap by=4
```
```sh verify
trimtab check 'tank_level > 5' --for 10m --give-up 1h30m
```
```sh drill
trimtab fault tank.open_tap
```

## Escalate when
The level falls below one.
```sh
trimtab check 'tank_level < 1'
```
"""


def catalog():
    def done(arguments, context):
        return ActionResult("done", undo_arguments={})

    return Catalog(
        signals=[Signal("tank.level", "litres", "How full it is.", lambda: [Sample(7)])],
        actions=[
            Action(
                "tank.close_tap",
                "Close it.",
                Risk.AUTOMATIC,
                done,
                done,
                params=(Param("by", "integer", "Turns.", minimum=1),),
                undo=done,
                effect=Effect.REVERSIBLE,
            )
        ],
        faults=[
            Fault("tank.open_tap", "Open it.", lambda _: {}, lambda _: None, realism=Realism.REAL)
        ],
    )


def check_expression(expression):
    if "???" in expression:
        raise Misconfigured(f"{expression!r} is not PromQL.", hint="Correct it.")
