"""Trials of one network whose recipes differ in a few settings."""
