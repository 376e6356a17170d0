"""What Insider's API does with users."""
