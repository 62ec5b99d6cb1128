"""The form of every JSON body that a route answers, for the OpenAPI document alone.

Nothing here is imported before the document is asked for, and no answer is checked against it when it is given; the fuzz
of `tests/api` holds every answer to it.
"""

from trimtab.api.forms.schemas import FORMS, put_in

__all__ = ["FORMS", "put_in"]
