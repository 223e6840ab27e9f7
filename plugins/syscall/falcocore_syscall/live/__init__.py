"""Live capture: what happens on this machine, as the kernel tells it."""
