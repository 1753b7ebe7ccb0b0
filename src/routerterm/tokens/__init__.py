"""Counting tokens: exact tables where they are right, measured families elsewhere, corrected by every report."""

from routerterm.tokens.estimator import Count, TextCounter, TokenEstimator

__all__ = ["Count", "TextCounter", "TokenEstimator"]
