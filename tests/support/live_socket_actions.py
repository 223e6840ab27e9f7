"""Actions with sockets and descriptors, and the fields of the events by which they are seen."""

from __future__ import annotations

from tests.support.live_setting import Case

SOCKETS: list[Case] = [
    (
        "socket",
        'call("socket", 2, 1, 6)',
        {"evt.type": "socket", "evt.arg.domain": "AF_INET", "evt.arg.type": "1", "evt.arg.proto": "6"},
    ),
    (
        "connect",
        's = socket.socket(); connect(s, address4("127.0.0.1", port4))',
        {"evt.type": "connect", "fd.sip": "127.0.0.1", "fd.sport": "{port4}", "fd.rport": "{port4}",
         "fd.name": r"/127\.0\.0\.1:\d+->127\.0\.0\.1:{port4}/", "fd.l4proto": "tcp", "fd.typechar": "4",
         "evt.res": "SUCCESS", "fd.type": "ipv4", "fd.cip": "127.0.0.1", "fd.lport": r"/[1-9]\d+/"},
    ),
    (
        "connect to an IPv6 address",
        's = socket.socket(socket.AF_INET6); connect(s, address6("::1", port6))',
        {"evt.type": "connect", "fd.sip": "::1", "fd.sport": "{port6}", "fd.typechar": "6",
         "fd.l4proto": "tcp",
         "fd.name": r"/::1:\d+->::1:{port6}/", "fd.type": "ipv6"},
    ),
    (
        "connect to a unix socket",
        's = socket.socket(socket.AF_UNIX); connect(s, address_unix(p("listener")))',
        {"evt.type": "connect", "fd.typechar": "u", "fd.type": "unix",
         "fd.name": "/.*{d}/listener/", "evt.res": "SUCCESS"},
    ),
    (
        "connect that is refused",
        's = socket.socket(); connect(s, address4("127.0.0.1", port_refused))',
        {"evt.type": "connect", "evt.res": "ECONNREFUSED", "fd.sip": "<NA>",
         "evt.arg.addr": "127.0.0.1:{port_refused}"},
    ),
    (
        "connect that is refused a moment later",
        's = socket.socket(); s.setblocking(False); connect(s, address4("127.0.0.1", port_refused))',
        {"evt.type": "connect", "evt.res": "EINPROGRESS", "fd.sip": "127.0.0.1",
         "fd.sport": "{port_refused}"},
    ),
    (
        "connect in progress",
        's = socket.socket(); s.setblocking(False); connect(s, address4("192.0.2.1", 4444))',
        {"evt.type": "connect", "evt.res": "/EINPROGRESS|ENETUNREACH/", "fd.sip": "192.0.2.1",
         "fd.sport": "4444",
         "fd.l4proto": "tcp"},
    ),
    (
        "connect of datagrams",
        's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); connect(s, address4("127.0.0.1", port_udp))',
        {"evt.type": "connect", "fd.l4proto": "udp", "fd.sport": "{port_udp}", "fd.connected": "true"},
    ),
    (
        "bind",
        's = socket.socket(); a = address4("127.0.0.1", 0); call("bind", s.fileno(), buffer(a), len(a))',
        {"evt.type": "bind", "evt.res": "SUCCESS", "fd.typechar": "4"},
    ),
    (
        "listen",
        's = socket.socket(); s.bind(("127.0.0.1", 0)); call("listen", s.fileno(), 5)',
        {"evt.type": "listen", "evt.arg.backlog": "5", "evt.res": "SUCCESS", "fd.l4proto": "tcp"},
    ),
    (
        "accept",
        'l = listens(); s = socket.socket(); connect(s, address4("127.0.0.1", low))\n'
        'call("accept", l.fileno(), 0, 0)',
        {"evt.type": "accept", "fd.sport": "{low}", "fd.rport": "{low}", "fd.sip": "127.0.0.1",
         "fd.is_server": "true", "fd.l4proto": "tcp"},
    ),
    (
        "accept4",
        'l = listens(); s = socket.socket(); connect(s, address4("127.0.0.1", low))\n'
        'call("accept4", l.fileno(), 0, 0, 0)',
        {"evt.type": "accept4", "fd.sport": "{low}", "fd.cip": "127.0.0.1", "fd.is_server": "true"},
    ),
    (
        "sendto of an unconnected socket",
        's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); a = address4("127.0.0.1", port_udp)\n'
        'call("sendto", s.fileno(), b"ping", 4, 0, buffer(a), len(a)); udp.recv(9)',
        {"evt.type": "sendto", "fd.l4proto": "udp", "fd.sport": "{port_udp}", "fd.sip": "127.0.0.1",
         "evt.buffer": "ping", "fd.name_changed": "true", "evt.rawres": "4"},
    ),
    (
        "sendto of a connected socket",
        's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(("127.0.0.1", port_udp))\n'
        'call("sendto", s.fileno(), b"pong", 4, 0, 0, 0); udp.recv(9)',
        {"evt.type": "sendto", "fd.sport": "{port_udp}", "evt.buffer": "pong", "fd.connected": "true",
         "fd.name_changed": "false"},
    ),
    (
        "sendmsg",
        's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n'
        's.sendmsg([b"one", b"two"], [], 0, ("127.0.0.1", port_udp)); udp.recv(9)',
        {"evt.type": "sendmsg", "fd.sport": "{port_udp}", "fd.l4proto": "udp", "evt.buffer": "onetwo",
         "fd.name_changed": "true", "evt.arg.size": "6"},
    ),
    (
        "recvfrom",
        's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", 0))\n'
        's.sendto(b"data", ("127.0.0.1", port_udp)); udp.recvfrom(9)',
        {"evt.type": "recvfrom", "evt.buffer": "data", "fd.l4proto": "udp", "fd.sport": "{port_udp}",
         "fd.cip": "127.0.0.1", "fd.cport": r"/[1-9]\d+/"},
    ),
    (
        "recvmsg",
        'udp.sendto(b"more", ("127.0.0.1", port_udp)); udp.recvmsg(9)',
        {"evt.type": "recvmsg", "evt.buffer": "more", "fd.l4proto": "udp"},
    ),
]  # fmt: skip
DESCRIPTORS: list[Case] = [
    (
        "dup",
        'listens(); s = socket.socket(); connect(s, address4("127.0.0.1", low)); call("dup", s.fileno())',
        {"evt.type": "dup", "fd.type": "ipv4", "fd.sport": "{low}"},
    ),
    (
        "dup2",
        'spare = os.open("/dev/null", os.O_RDONLY); call("dup2", subfd, spare)',
        {"evt.type": "dup2", "fd.name": "{d}/sub", "evt.rawres": r"/\d+/", "evt.arg.oldfd": "<d>{d}/sub"},
    ),
    (
        "dup3",
        'spare = os.open("/dev/null", os.O_RDONLY); call("dup3", subfd, spare, os.O_CLOEXEC)',
        {"evt.type": "dup3", "fd.name": "{d}/sub"},
    ),
    (
        "memfd_create",
        'call("memfd_create", b"secret", 0)',
        {"evt.type": "memfd_create", "fd.type": "memfd", "fd.name": "secret", "evt.res": "SUCCESS"},
    ),
    ("pidfd_open", 'call("pidfd_open", os.getpid(), 0)', {"evt.type": "pidfd_open", "fd.type": "pidfd"}),
    ("userfaultfd", 'call("userfaultfd", 0)', {"evt.type": "userfaultfd", "evt.res": "/SUCCESS|EPERM/"}),
    ("bpf", 'call("bpf", 999, 0, 0)', {"evt.type": "bpf", "evt.arg.cmd": "999", "evt.res": "EINVAL"}),
]  # fmt: skip
