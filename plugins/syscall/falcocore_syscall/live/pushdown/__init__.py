"""The push-down: which system calls the kernel sends, made of what the rules say."""
