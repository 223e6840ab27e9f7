"""Live capture: the system calls of the running machine as events."""
