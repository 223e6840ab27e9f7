"""The output `syslog`: where messages go, how they look, and how they get there."""
