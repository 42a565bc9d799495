#!/usr/bin/env python3
"""The outside world of the demo and of tests: aiosmtpd with a handler that keeps every mail as it came.

usage: outside.py HOST PORT DIRECTORY
Writes DIRECTORY/NUMBER.mail (the bytes of DATA) and DIRECTORY/NUMBER.envelope (sender, then recipients), and
DIRECTORY/ready once it listens. Recipients whose name begins with "nobody" do not exist.
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

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody"):
            return "550 5.1.1 there is no such user"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 ok"

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
