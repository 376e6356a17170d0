"""The webhooks of each topic."""
