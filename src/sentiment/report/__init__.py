"""From what runs have left to tables, pictures, a choice and a page."""
