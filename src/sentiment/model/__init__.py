"""What a network is: its architecture and recipe, how it is built, and its file."""
