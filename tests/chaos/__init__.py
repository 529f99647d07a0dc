"""Seeded chaos against the four real services, and an independent check of what came of it."""
