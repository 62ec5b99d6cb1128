"""Language processing shared by search and guards: tokens, stemming, languages, sentences, encodings."""
