"""What a run is called, depends on and leaves, and what its predictions are worth."""
