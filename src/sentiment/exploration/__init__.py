"""What the photos of a collection are: a table, its figures, histograms, duplicates."""
