"""The composition root: the only package that knows every domain.

`modules.py` lists the modules of a process in start order, `service_modules.py` and
`operator_modules.py` join those that need each other, `http_apps.py` puts the HTTP API and the
console around them.
"""

from trimtab.app.application import App, build
from trimtab.app.handbook import HANDBOOK

__all__ = ["HANDBOOK", "App", "build"]
