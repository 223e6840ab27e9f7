"""Audit policies of the kube-apiserver: made from rules, checked against rules, and applied to events."""
