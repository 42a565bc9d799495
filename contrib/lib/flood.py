#!/usr/bin/env python3
"""Sends many mails by SMTP over one connection, numbered, until there are enough or one is refused.

usage: flood.py HOST:PORT RECIPIENT --count N --size BYTES [--from ADDRESS]
Prints how many were taken; the refusal goes to standard error, and the exit code is 1.
"""
import argparse
import os
import smtplib
import sys


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("server")
    parser.add_argument("recipient")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--size", type=int, default=1000)
    parser.add_argument("--from", dest="sender", default="flood@outside.example")
    options = parser.parse_args()
    host, _, port = options.server.rpartition(":")
    taken = 0
    try:
        with smtplib.SMTP(host, int(port)) as server:
            for number in range(options.count):
                # Random, so that nothing of it can be compressed.
                text = os.urandom(options.size // 2).hex()
                lines = "\r\n".join(text[start : start + 76] for start in range(0, len(text), 76))
                server.sendmail(
                    options.sender, [options.recipient],
                    f"From: {options.sender}\r\nTo: {options.recipient}\r\nSubject: flood {number}\r\n\r\n{lines}\r\n")
                taken += 1
    except smtplib.SMTPException as refusal:
        print(refusal, file=sys.stderr)
    print(f"{taken} taken")
    return 0 if taken == options.count else 1


sys.exit(main())
