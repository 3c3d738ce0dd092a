"""Choices of the recipe undone one at a time, and what changes by that."""
