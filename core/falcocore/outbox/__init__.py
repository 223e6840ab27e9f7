"""Alerts that were accepted, on disk until every output has them."""
