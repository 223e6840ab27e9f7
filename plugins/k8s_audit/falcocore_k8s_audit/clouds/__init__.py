"""Audit events as the clouds hand them out: wrapped, and told by the shape of what is around them."""
