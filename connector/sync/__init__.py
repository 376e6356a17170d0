"""Everything that asks Yotpo."""
