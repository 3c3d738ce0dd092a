"""Choices undone, or made besides, one at a time, and what changes by that."""
