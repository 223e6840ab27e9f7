"""Follows a log file as the kube-apiserver writes it: growth, rotation, restarts."""
