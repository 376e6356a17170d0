"""Yotpo's side: what its webhooks look like. It never speaks of Insider."""
