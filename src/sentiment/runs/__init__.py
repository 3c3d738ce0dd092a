"""Runs: how their files are named, what they leave, and what their predictions are worth."""
