"""What can be wrong with the place where everything is kept."""

from trimtab.kernel.errors import Conflict, Misconfigured


class DataDirectoryUnusable(Misconfigured):
    """The data directory cannot be made, read or written."""

    code = "storage.directory_unusable"


class DataDirectoryInUse(Conflict):
    """Another trimtab process works in the data directory."""

    code = "storage.directory_in_use"


class SchemaTooNew(Misconfigured):
    """The data was written by a newer release than this one."""

    code = "storage.schema_too_new"
    default_hint = (
        "Start the release that wrote it or a later one, or choose another data directory."
    )
