"""Rings of io_uring for an actor: Python that it runs, without a library."""

from __future__ import annotations

RING = r"""
import mmap
OPENAT, CONNECT, CLOSE, OPENAT2, TIMEOUT, NOP = 18, 16, 19, 28, 11, 0
FIXED, LINKED, CHAINED, ASYNC, SILENT = 1, 4, 8, 16, 64
SQPOLL, POLL_IDLE_MS = 2, 2000
ANY_PLACE = 0xffffffff
class Ring:
    # Entries are put with `ask`; `run` submits them and waits for so many results, by what they were put as.
    def __init__(self, entries=8, flags=0):
        setup = ctypes.create_string_buffer(struct.pack("<5I", 0, 0, flags, 0, POLL_IDLE_MS), 120)
        self.fd = call("io_uring_setup", entries, setup)
        self.flags, self.asked, self.kept = flags, 0, []
        if self.fd < 0: return
        size, done_size = struct.unpack_from("<II", setup)
        self.head, self.tail, self.mask, _, _, _, array = struct.unpack_from("<7I", setup, 40)
        self.done_head, self.done_tail, self.done_mask, _, _, self.done = struct.unpack_from("<6I", setup, 80)
        share = mmap.MAP_SHARED
        self.places = mmap.mmap(self.fd, array + 4 * size, share)
        self.entries = mmap.mmap(self.fd, 64 * size, share, offset=0x10000000)
        self.results = mmap.mmap(self.fd, self.done + 16 * done_size, share, offset=0x8000000)
        for number in range(size): struct.pack_into("<I", self.places, array + 4 * number, number)
        self.size = size

    def keep(self, data):
        self.kept.append(ctypes.create_string_buffer(data, len(data)))
        return ctypes.addressof(self.kept[-1])

    def ask(self, code, fd=-1, address=0, length=0, more=0, special=0, name=0, flags=0, place=0):
        tail = struct.unpack_from("<I", self.places, self.tail)[0]
        packed = struct.pack(
            "<BBHiQQIIQHHIQQ", code, flags, 0, fd, more, address, length, special, name, 0, 0, place, 0, 0
        )
        at = 64 * (tail % self.size)
        self.entries[at:at + 64] = packed
        memoryview(self.places)[self.tail:self.tail + 4].cast("I")[0] = tail + 1
        self.asked += 1

    def open(self, path, access=0, mode=0, directory=-100, **more):
        self.ask(OPENAT, directory, self.keep(path.encode() + b"\0"), mode, special=access, **more)

    def open2(self, path, access, resolve, **more):
        how = self.keep(struct.pack("<QQQ", access, 0, resolve))
        self.ask(OPENAT2, -100, self.keep(path.encode() + b"\0"), 24, how, **more)

    def connect(self, s, address, **more):
        fd = s if isinstance(s, int) else s.fileno()
        self.ask(CONNECT, fd, self.keep(address), 0, len(address), **more)

    def delay(self, seconds, **more):
        whole = int(seconds)
        span = struct.pack("<qq", whole, int((seconds - whole) * 1e9))
        self.ask(TIMEOUT, -1, self.keep(span), 1, **more)

    def run(self, wait=None):
        count, self.asked = self.asked, 0
        wanted = count if wait is None else wait
        flags = 1 | (2 if self.flags & SQPOLL else 0)
        found = {}
        while True:
            # The end of a delay ends the call, whatever else was waited for.
            entered = call("io_uring_enter", self.fd, count, wanted - len(found), flags, 0, 0)
            assert entered >= 0, entered
            found.update(self.collect())
            if len(found) >= wanted: return found
            count = 0

    def collect(self):
        found = {}
        places = self.done_head, self.done_tail, self.done_mask
        head, tail, mask = (struct.unpack_from("<I", self.results, at)[0] for at in places)
        for number in range(head, tail):
            at = self.done + 16 * (number & mask)
            name, value = struct.unpack_from("<Qi", self.results, at)
            found[name] = value
        memoryview(self.results)[self.done_head:self.done_head + 4].cast("I")[0] = tail
        return found

    def register_files(self, files):
        numbers = struct.pack(f"<{len(files)}i", *files)
        must(call("io_uring_register", self.fd, 2, self.keep(numbers), len(files)))

def address4(port, host="127.0.0.1"):
    return struct.pack("<H", 2) + struct.pack(">H", port) + socket.inet_aton(host) + bytes(8)
ring = Ring()
result = ring.fd
"""
"""Leaves a negative number in `result` where the kernel has no rings."""
