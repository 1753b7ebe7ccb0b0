"""Counting tokens: exactly where the tokenizer is known, by calibrated estimate elsewhere; always labelled."""
