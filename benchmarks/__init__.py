"""Comparisons with other libraries: what they do (`scorecard`) and what they cost (`cost`). Not shipped."""
