"""Personal data: erasure on request, redaction of quotes, pseudonyms."""
