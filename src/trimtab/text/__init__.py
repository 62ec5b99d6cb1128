"""Language processing for search and guards: tokens, stems, sentences, encodings."""
