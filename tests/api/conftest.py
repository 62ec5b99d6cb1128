from tests.faces import (  # noqa: F401 - fixtures.
    admin,
    anonymous,
    app,
    app_of,
    control,
    settings_of,
    tank,
)
