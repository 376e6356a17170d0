"""What shoppers do."""
