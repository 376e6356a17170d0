"""Insider's side: the client of its user API and the wire format. It never speaks of Yotpo, and never retries."""
