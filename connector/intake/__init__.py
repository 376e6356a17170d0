"""Takes Yotpo's webhooks."""
