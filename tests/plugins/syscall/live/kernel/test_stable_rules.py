"""The rules of the stable pack fire in the running kernel, with both packs whole and their push-down."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from falcocore.host import PluginHost
from tests.support import container_triggers
from tests.support.bpf_objects import needs_kernel
from tests.support.live_actor import Actor
from tests.support.live_watch import Watch, alerts_of, bundled_rules, rule_set

pytestmark = needs_kernel

SETTING = """
d = {directory!r}
def p(name): return (d + "/" + name).encode()
def argv(*texts): return (ctypes.c_char_p * (len(texts) + 1))(*texts, None)
def named(name, code):
    # Python under another name.
    if not os.path.lexists(d + "/" + name): os.symlink(sys.executable, d + "/" + name)
    subprocess.run([d + "/" + name, "-S", "-c", code], check=True)
def run(*words): subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
def address(host):
    # In a network of its own, where this address is the machine's.
    must(call("unshare", 0x40000000))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        ip = struct.pack("<HH", 2, 0) + socket.inet_aton(host) + bytes(8)
        fcntl.ioctl(s, 0x8914, struct.pack("16sH14x", b"lo", 0x49))
        fcntl.ioctl(s, 0x8916, struct.pack("16s16s", b"lo", ip))
"""

TRIGGERS: Mapping[str, str] = {
    "Directory traversal monitored file read": (
        'os.close(os.open(d + "/../../../../../../../../../../etc/passwd", os.O_RDONLY))'
    ),
    "Read sensitive file trusted after startup": """
named("nginx", 'import time\\nuntil = time.monotonic() + 5.2\\n'
      'while (left := until - time.monotonic()) > 0: time.sleep(left)\\nopen("/etc/pam.d/other").close()')
""",
    "Read sensitive file untrusted": 'open("/etc/pam.d/other").close()',
    "Run shell untrusted": """named("nginx", 'import subprocess; subprocess.run(["sh", "-c", "exit 0"])')""",
    "System user interactive": """
named("sshd", 'import subprocess; subprocess.run(["/bin/true"], user=1)')
""",
    "Disallowed SSH Connection Non Standard Port": """
def act():
    address("192.0.2.1")
    server = socket.create_server(("192.0.2.1", 443))
    named("ssh", 'import socket; socket.create_connection(("192.0.2.1", 443))')
child(act)
""",
    "Search Private Keys or Passwords": 'run("find", d, "-name", "id_rsa")',
    "Clear Log Activities": 'open(d + "/auth.log", "w").close()',
    "Remove Bulk Data from Disk": 'os.symlink("/bin/true", d + "/shred"); run(d + "/shred")',
    "Create Symlink Over Sensitive Files": 'os.symlink("/etc/shadow", d + "/soft")',
    "Create Hardlink Over Sensitive Files": 'call("linkat", -100, b"/etc/shadow", -100, p("none/at/all"), 0)',
    "PTRACE attached to process": 'call("ptrace", 16, 999999999, 0, 0)',
    "PTRACE anti-debug attempt": 'child(lambda: call("ptrace", 0, 0, 0, 0))',
    "Find AWS Credentials": 'run("find", d + "/.aws/credentials")',
    "Execution from /dev/shm": 'run("sh", "-c", "/dev/shm/none")',
    "Fileless execution via memfd_create": """
memory = call("memfd_create", b"program", 0)
with open("/bin/true", "rb") as source: os.write(memory, source.read())
child(lambda: os.execve(memory, ["true"], {}))
os.close(memory)
""",
}
"""What is done for each rule that needs no container; for the others, see container_triggers."""
NEEDS_ROOT = frozenset({"System user interactive", "Disallowed SSH Connection Non Standard Port"})


class Stage:
    """The packs at work, and who acts."""

    def __init__(self, directory: Path) -> None:
        self.watch = Watch(rule_set(*bundled_rules()))
        self.actor = Actor(directory)
        alerts_of([self.watch], self.actor, SETTING.format(directory=str(directory)))


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = Stage(tmp_path_factory.mktemp("stage"))
    yield made
    made.actor.close()
    made.watch.close()


@pytest.mark.parametrize("rule", TRIGGERS)
def test_a_rule_fires(stage: Stage, rule: str) -> None:
    if rule in NEEDS_ROOT and os.geteuid() != 0:
        pytest.skip("needs root")
    if "/etc/pam.d/other" in TRIGGERS[rule] and not os.access("/etc/pam.d/other", os.R_OK):
        pytest.skip("there is no /etc/pam.d/other")
    [alerts] = alerts_of([stage.watch], stage.actor, TRIGGERS[rule])
    assert rule in {name for name, _ in alerts}, alerts


def test_no_rule_is_forgotten() -> None:
    [stable] = PluginHost().pack("syscall").files
    rules = re.findall(r"^- rule: (.+)$", stable.read_text(), re.MULTILINE)
    assert set(rules) == TRIGGERS.keys() | container_triggers.TRIGGERS.keys()
