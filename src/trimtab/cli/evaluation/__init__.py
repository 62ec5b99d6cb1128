"""Commands that measure answers and compare configurations."""
