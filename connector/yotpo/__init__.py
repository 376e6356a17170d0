"""Yotpo's end: what its webhooks look like (`topics`), and the client of its APIs (`client`)."""
