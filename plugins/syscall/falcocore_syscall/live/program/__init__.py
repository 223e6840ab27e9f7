"""The eBPF program: its source, and the objects that `make bpf` has made of it."""
