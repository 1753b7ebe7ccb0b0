"""What an attempt may cost, does cost, and how it is recorded."""
