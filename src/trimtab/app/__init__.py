"""The composition root: the only package that knows every concrete class.

`compose.py` builds the domains in the order in which they need each other, `adapters.py` fits one
domain's port to another's class, `faces.py` puts the HTTP interface and the console around them.
"""

from trimtab.app.compose import App, build
from trimtab.app.handbook import HANDBOOK

__all__ = ["HANDBOOK", "App", "build"]
