"""Choices of the recipe undone one at a time, and what that does."""
