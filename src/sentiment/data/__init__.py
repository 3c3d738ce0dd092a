"""Photo collections, and the stores that are prepared from them, read, verified and repaired."""
