"""Live capture: what the kernel tells by eBPF, and how it becomes events."""
