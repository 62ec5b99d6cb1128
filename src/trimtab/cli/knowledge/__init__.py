"""Commands for projects, documents, search and maintenance."""
