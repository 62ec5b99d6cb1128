"""Runs a command in an unpacked image as a container engine does: `enter.py ROOT UID COMMAND...`, in namespaces of its own.

The root file system is read-only, /data and /tmp are empty, there is no network but loopback, and the command is no root.
"""

import fcntl
import os
import socket
import struct
import subprocess
import sys

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


def mount(*words):
    subprocess.run(["mount", *words], check=True)


def raise_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh", b"lo", 0)
        flags = struct.unpack("16sh", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh", b"lo", flags | IFF_UP))


root, user, *command = sys.argv[1:]
mount("--make-rprivate", "/")
mount("--bind", root, root)
mount("-o", "remount,bind,ro", root)
mount("-t", "proc", "proc", f"{root}/proc")
mount("--rbind", "/dev", f"{root}/dev")
for name in ("data", "tmp"):
    mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", f"{root}/{name}")
raise_loopback()
os.chroot(root)
os.chdir("/")
os.setgroups([])
os.setgid(int(user))
os.setuid(int(user))
os.execvpe(command[0], command, os.environ)  # noqa: TID251 - what `unshare` was given is what the command gets.
