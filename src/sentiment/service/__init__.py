"""A trained model as a web service: an API, a page, and the limits that make it safe to expose."""
