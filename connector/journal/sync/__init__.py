"""What is asked of Yotpo, in the journal."""
