"""The earnings analyzer: statements, tone and score of reports and calls."""
