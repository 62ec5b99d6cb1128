"""Guards on questions, passages and answers, run in parallel under a deadline."""
