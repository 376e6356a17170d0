"""What editors know of the grammar."""
