#!/usr/bin/env python3
"""Reads by IMAP what `nightjar gateway` and Dovecot keep, as a mail program would.

usage: imap.py PORT CERTIFICATE PASSWORD WORDS SECONDS
Looks into all folders until a mail has WORDS in it, and prints its folder and its text; exit code 1 if none comes.
"""
import imaplib
import ssl
import sys
import time


def look(port, context, password, words):
    with imaplib.IMAP4_SSL("localhost", port, ssl_context=context) as server:
        server.login("nightjar", password)
        for line in server.list()[1]:
            folder = line.decode().rpartition(' "/" ')[2]
            if server.select(folder, readonly=True)[0] != "OK":
                continue
            for number in server.search(None, "ALL")[1][0].split():
                mail = server.fetch(number, "(BODY.PEEK[])")[1][0][1].decode(errors="replace")
                if words in mail:
                    print(f"in folder {folder}:\n{mail}")
                    return True
    return False


def main():
    port, certificate, password, words, seconds = sys.argv[1:6]
    context = ssl.create_default_context(cafile=certificate)
    end = time.monotonic() + float(seconds)
    while not look(int(port), context, password, words):
        if time.monotonic() > end:
            sys.exit(f"no mail says {words!r}")
        time.sleep(0.5)


main()
