"""Learning rates by epoch."""

SCHEDULES = {
    # Every 5 epochs, the recipe as the report states it.
    "step": lambda epoch, rate: rate * 0.1 ** (epoch // 5),
    # The same one epoch early, as the report's scripts did it: after epochs 4, 9, 14.
    "early-step": lambda epoch, rate: rate * 0.1 ** ((epoch + 1) // 5),
}
"""By name: from the epoch, counted from 0, and the first learning rate to the epoch's."""
