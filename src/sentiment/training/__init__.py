"""One training, from its flags to the saved model."""
