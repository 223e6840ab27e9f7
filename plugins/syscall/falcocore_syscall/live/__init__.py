"""System calls of this machine as they happen: from the kernel's records to events."""
