"""Live capture: system calls of this machine, as they happen."""
