"""Takes events from the journal to Insider."""
