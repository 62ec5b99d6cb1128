"""Projects of documents and the search over them."""
