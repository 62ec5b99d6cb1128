"""Session, connection, console output and errors of the command line."""
