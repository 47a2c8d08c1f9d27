"""When it is said, and what became of it."""
