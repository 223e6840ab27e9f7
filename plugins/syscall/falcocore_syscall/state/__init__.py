"""What is known of processes, their descriptors, users and containers, kept up to date by events."""
