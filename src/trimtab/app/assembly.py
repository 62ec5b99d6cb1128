"""The modules of one process: added in order, started in that order, closed in reverse."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TypeVar

from trimtab.app.roles import Roles
from trimtab.infra.environment import Environment
from trimtab.kernel.module import Module
from trimtab.kernel.operable import Catalog, Signal
from trimtab.kernel.tasks import Task

_S = TypeVar("_S")


class Assembly:
    """Collects modules. A builder receives it to find the services that its module needs.

    Args:
        env: Of the process.
        closing: Closes every added module, the newest first, also when a later one cannot be built.
        roles: Say which modules are started.
    """

    def __init__(self, env: Environment, closing: ExitStack, roles: Roles | None = None) -> None:
        self.env = env
        self.roles = roles or Roles(["all"])
        self.modules: list[Module] = []
        self.uses: dict[str, frozenset[str]] = {}
        """The modules whose services each module was built with."""
        self._asked: set[str] = set()
        self._closing = closing

    def build(self, builder: Callable[["Assembly"], Module]) -> None:
        """Build the next module and add it; drop the health of what these roles do not start."""
        known = self.env.health.components()
        module = builder(self)
        self.add(module)
        for component in self.env.health.components() - known:
            if not self.roles.shows(component, module.name):
                self.env.health.forget(component)

    def add(self, module: Module) -> None:
        """Add the next module, and register its health and its close.

        Raises:
            ValueError: Its name is taken, or it publishes something after the catalog was made.
        """
        for close in reversed(module.close):
            self._closing.callback(close)
        if any(module.name == added.name for added in self.modules):
            raise ValueError(f"two modules are named {module.name!r}")
        late = any(isinstance(added.service, Catalog) for added in self.modules)
        if late and (module.signals or module.actions or module.faults):
            raise ValueError(
                f"module {module.name!r} has signals, actions or faults: list it before the catalog"
            )
        for component, probe in module.health:
            self.env.health.register(component, probe)
        self.modules.append(module)
        self.uses[module.name] = frozenset(self._asked)
        self._asked.clear()

    def service(self, kind: type[_S]) -> _S:
        """Return the service of that type; raises `LookupError` when no module before has it."""
        for module in self.modules:
            if isinstance(module.service, kind):
                self._asked.add(module.name)
                return module.service
        raise LookupError(f"no module has a {kind.__name__}: list the one that has it earlier")

    def services(self) -> list[object]:
        """Return the services of all modules."""
        return [module.service for module in self.modules]

    def tasks(self) -> Iterator[Task]:
        """Yield the background tasks of every module."""
        for module in self.modules:
            yield from module.tasks

    def signals(self) -> list[Signal]:
        """Return the signals of the modules that these roles start.

        A model that is not loaded by design must not raise the alert of one that failed to load.
        """
        return [signal for module in self.started() for signal in module.signals]

    def started(self) -> list[Module]:
        """Return the modules that these roles start."""
        return [module for module in self.modules if self.roles.starts(module.name)]

    def start(self, without: frozenset[str] = frozenset()) -> None:
        """Start the modules in order; the first error ends the start.

        Args:
            without: Names of modules that stay idle.
        """
        for module in self.started():
            if module.name not in without:
                for start in module.start:
                    start()
