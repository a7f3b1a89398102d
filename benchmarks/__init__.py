"""Measurements; ratios within one run, so that a noisy machine doesn't matter."""
