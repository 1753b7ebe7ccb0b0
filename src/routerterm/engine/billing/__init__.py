"""A provider's own bill, read and held against the ledger."""
