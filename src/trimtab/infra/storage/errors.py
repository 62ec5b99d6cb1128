"""Errors of the data directory and its databases."""

from trimtab.kernel.errors import Conflict, Misconfigured


class DataDirectoryUnusable(Misconfigured):
    """The data directory cannot be created, read or written."""

    code = "storage.directory_unusable"


class DataDirectoryInUse(Conflict):
    """Another trimtab process uses the data directory."""

    code = "storage.directory_in_use"


class SchemaTooNew(Misconfigured):
    """A newer release has written the data."""

    code = "storage.schema_too_new"
    default_hint = (
        "Start the release that wrote it or a later one, or choose another data directory."
    )


class DatabaseUrlInvalid(Misconfigured):
    """The address of the database cannot be read."""

    code = "storage.database_url_invalid"


class DatabaseUnsafe(Misconfigured):
    """The database server would lose or disorder data."""

    code = "storage.database_unsafe"


class InstallationMoved(Misconfigured):
    """The data was moved to another engine."""

    code = "storage.installation_moved"


class MoveUnfinished(Misconfigured):
    """A move to or from the database did not finish."""

    code = "storage.move_unfinished"


class TwoInstallations(Misconfigured):
    """The data directory and the database hold different installations."""

    code = "storage.two_installations"


class SecretDiffers(Misconfigured):
    """The data directory lacks a secret that other processes on the database use."""

    code = "storage.secret_differs"
    default_hint = (
        "Copy signing.key, subjects.key and session.secret with their .sum files from the data"
        " directory of the first process, or let all processes share one directory."
    )
