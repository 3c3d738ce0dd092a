"""How far a collection's labels can be trusted: other readers beside it, and a network."""
