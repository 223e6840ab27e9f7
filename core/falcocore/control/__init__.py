"""The control socket: what a running process answers to `falcocore status` and its like."""
