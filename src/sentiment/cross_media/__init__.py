"""A training set out of posts: the text of a post labels its photos, so that no person has to."""
