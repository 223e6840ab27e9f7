"""For each system call what the kernel captures of it and how parameters are made of that, by subject."""
