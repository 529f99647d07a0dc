"""A whole service, as small as can be: it counts what is counted and tells the sum."""
