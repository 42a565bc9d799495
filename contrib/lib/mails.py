#!/usr/bin/env python3
"""Makes the demo's mails, and checks what arrived.

usage: mails.py make DIRECTORY           writes small.eml (2 KB), middle.eml (300 KB) and large.eml (5 MB, two attachments)
       mails.py wait SENT DIRECTORY SECONDS  waits until a mail with SENT's subject is in DIRECTORY and compares the bodies
"""
import os
import sys
import time
from email import policy
from email.message import EmailMessage


def write(path, message):
    with open(path, "wb") as file:
        file.write(message.as_bytes(policy=policy.SMTP))


def make(directory):
    small = EmailMessage()
    small["From"] = "The real sender <sender@home.example>"
    small["To"] = "somebody@outside.example"
    small["Subject"] = "small: what nobody may know who wrote"
    small.set_content("".join(f"Line {n:03d} of a short letter.\n" for n in range(70)))
    write(os.path.join(directory, "small.eml"), small)
    for name, sizes in [("middle", [220_000]), ("large", [2_400_000, 1_400_000])]:
        mail = EmailMessage()
        mail["From"] = "The real sender <sender@home.example>"
        mail["Subject"] = f"{name}: with attachments \u00fcber alles"
        mail.set_content("See the attachments.\n")
        for index, size in enumerate(sizes):
            mail.add_attachment(
                os.urandom(size), maintype="application", subtype="octet-stream", filename=f"document-{index}.bin")
        write(os.path.join(directory, name + ".eml"), mail)


def split(data):
    head, _, body = data.partition(b"\r\n\r\n")
    return head, body


def subject(head):
    import email
    return str(email.message_from_bytes(head + b"\r\n\r\n", policy=policy.default)["Subject"])


def wait(sent, directory, seconds):
    with open(sent, "rb") as file:
        head, body = split(file.read())
    wanted = subject(head)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for name in sorted(os.listdir(directory)):
            if not name.endswith(".mail"):
                continue
            with open(os.path.join(directory, name), "rb") as file:
                found_head, found_body = split(file.read())
            if subject(found_head) != wanted:
                continue
            if found_body != body:
                sys.exit(f"{name}: the body has {len(found_body)} bytes and differs from the {len(body)} that were sent")
            leaks = [word for word in (b"home.example", b"real sender") if word in found_head]
            if leaks:
                sys.exit(f"{name}: the header names the sender: {leaks}")
            print(f"arrived: {wanted!r}, body of {len(body)} bytes identical, sender unknown")
            return
        time.sleep(0.1)
    sys.exit(f"{wanted!r} did not arrive within {seconds} s")


if sys.argv[1] == "make":
    make(sys.argv[2])
else:
    wait(sys.argv[2], sys.argv[3], float(sys.argv[4]))
