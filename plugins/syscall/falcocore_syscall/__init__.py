"""System calls as an event source: captures are replayed, processes and files tracked, fields read."""
