"""Loading of CO-RE eBPF objects over bpf(2), and the ring buffer through which they answer."""
