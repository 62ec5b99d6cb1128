"""What every guard reads: sentences with offsets, words and normalised text."""
