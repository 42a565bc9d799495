#!/usr/bin/env python3
"""The outside world of the demo: aiosmtpd with a handler that keeps every mail as it came.

usage: outside.py HOST PORT DIRECTORY
Writes DIRECTORY/NUMBER.mail (the bytes of DATA) and DIRECTORY/NUMBER.envelope (sender, then recipients), and
DIRECTORY/ready once it listens.
"""
import os
import signal
import sys
import threading

from aiosmtpd.controller import Controller


class Keep:
    def __init__(self, directory):
        self.directory = directory
        self.number = 0
        self.lock = threading.Lock()

    async def handle_DATA(self, server, session, envelope):
        with self.lock:
            self.number += 1
            base = os.path.join(self.directory, f"{self.number:05d}")
        with open(base + ".envelope", "w") as file:
            file.write("\n".join([envelope.mail_from or "<>"] + envelope.rcpt_tos) + "\n")
        with open(base + ".new", "wb") as file:
            file.write(envelope.original_content)
        os.rename(base + ".new", base + ".mail")
        return "250 kept"


def main():
    host, port, directory = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    controller = Controller(Keep(directory), hostname=host, port=port, data_size_limit=64 << 20)
    controller.start()
    open(os.path.join(directory, "ready"), "w").close()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    controller.stop()


main()
