"""What container runtimes tell of their containers on their sockets, asked beside the stream of events."""
