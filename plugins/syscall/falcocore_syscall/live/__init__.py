"""System calls as they happen, watched by an eBPF program."""
