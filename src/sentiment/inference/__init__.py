"""A saved model at work: predicted, explained, exported, timed."""
