"""What the actions of tests in the running kernel have in common."""

from __future__ import annotations

from collections.abc import Mapping

Case = tuple[str, str, Mapping[str, str]]
"""(name, what an actor does, fields of the event by which it is seen).

In both, names in braces stand for what the setting's `result` has, `d` for the directory, `n` for a number
that no other action has, `pid`, `comm` and `user` for who acts. Values between slashes are patterns.
"""

SETTING = """
d = {directory!r}
MAKES = '''
    open openat openat2 creat open_by_handle_at socket accept accept4 dup dup2 dup3 memfd_create pidfd_open
'''.split()
kept_call = call
def call(name, *args):
    found = kept_call(name, *args)
    if name in MAKES and found >= 0: os.close(found)
    return found
def p(name): return (d + "/" + name).encode()
def file(name, text=b"x"):
    with open(d + "/" + name, "wb") as made: made.write(text)
    return p(name)
def buffer(data): return ctypes.create_string_buffer(data, len(data))
def address4(host, port):
    return struct.pack("<H", 2) + struct.pack(">H", port) + socket.inet_aton(host) + bytes(8)
def address6(host, port):
    packed = socket.inet_pton(socket.AF_INET6, host)
    return struct.pack("<H", 10) + struct.pack(">HI", port, 0) + packed + bytes(4)
def address_unix(path): return struct.pack("<H", 1) + path + bytes(1)
def connect(s, address): return call("connect", s.fileno(), buffer(address), len(address))
listener4 = socket.create_server(("127.0.0.1", 0)); port4 = listener4.getsockname()[1]
listener6 = socket.create_server(("::1", 0), family=socket.AF_INET6); port6 = listener6.getsockname()[1]
listener1 = socket.socket(socket.AF_UNIX); listener1.bind(d + "/listener"); listener1.listen()
def low_port(kind):
    # Below those that the kernel gives to clients.
    for port in range(20000 + os.getpid() % 5000, 32000):
        made = socket.socket(socket.AF_INET, kind)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind(("127.0.0.1", port))
        except OSError:
            made.close()
            continue
        return made, port
udp, port_udp = low_port(socket.SOCK_DGRAM)
low = low_port(socket.SOCK_STREAM)[1]
listener = None
def listens():
    global listener
    if listener: listener.close()
    made = listener = socket.socket(); made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", low)); made.listen()
    return made
refusing = socket.socket(); refusing.bind(("127.0.0.1", 0)); port_refused = refusing.getsockname()[1]
os.mkdir(d + "/sub"); file("sub/inner"); subfd = os.open(d + "/sub", os.O_RDONLY)
result = dict(port4=port4, port6=port6, port_udp=port_udp, port_refused=port_refused, low=low, subfd=subfd)
"""

"""What an actor runs before all actions; it needs the directory."""
