#!/usr/bin/env python3
"""Answers a delivered mail as its recipient's mail server would: by LMTP to the exit that stands in Reply-To, or by SMTP
to the mail server of whoever wrote it.

usage: answer.py MAIL [HOST:PORT] [--smtp] [--from ADDRESS] [--text TEXT | --file FILE] [--to ADDRESS]
MAIL is a file with the delivered mail (a Maildir's, or one that outside.py wrote). Without HOST:PORT the exit is found by
the address's domain in NIGHTJAR_GATEWAYS (`nightjar-lab env`). Prints the address that it wrote to.
Exit code 0 taken, 1 refused (the reply is printed), 3 try again later.
"""
import argparse
import email
import email.policy
import email.utils
import os
import smtplib
import sys
from email.message import EmailMessage


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mail")
    parser.add_argument("server", nargs="?", help="HOST:PORT or the path of a Unix socket")
    parser.add_argument("--from", dest="sender", default="recipient@outside.example")
    parser.add_argument("--text", default="Thank you for your message.\n")
    parser.add_argument("--file", help="a file whose bytes are attached")
    parser.add_argument("--to", help="in place of the mail's Reply-To or From")
    parser.add_argument("--smtp", action="store_true", help="the server speaks SMTP, as an MX does")
    options = parser.parse_args()

    with open(options.mail, "rb") as file:
        original = email.message_from_binary_file(file, policy=email.policy.default)
    address = options.to or email.utils.parseaddr(str(original["Reply-To"] or (original["From"] if options.smtp else None) or ""))[1]
    if not address:
        print("the mail has no address to answer to", file=sys.stderr)
        return 1

    answer = EmailMessage(policy=email.policy.SMTP)
    answer["From"] = options.sender
    answer["To"] = address
    answer["Subject"] = "Re: " + str(original["Subject"] or "")
    answer["Date"] = email.utils.formatdate()
    answer["Message-ID"] = email.utils.make_msgid(domain="outside.example")
    if original["Message-ID"]:
        answer["In-Reply-To"] = original["Message-ID"]
        answer["References"] = original["Message-ID"]
    answer.set_content(options.text)
    if options.file:
        with open(options.file, "rb") as file:
            answer.add_attachment(file.read(), maintype="application", subtype="octet-stream", filename="attachment")

    gateways = dict(pair.split("=", 1) for pair in os.environ.get("NIGHTJAR_GATEWAYS", "").split())
    place = options.server or gateways.get(address.rpartition("@")[2])
    if not place:
        print(f"no server is known for {address}; name one", file=sys.stderr)
        return 1
    host, _, port = place.rpartition(":")
    if options.smtp:
        server = smtplib.SMTP(host, int(port))
    else:
        server = smtplib.LMTP(place, 0) if place.startswith("/") else smtplib.LMTP(host, int(port))
    try:
        server.sendmail(options.sender, [address], bytes(answer))
    except smtplib.SMTPRecipientsRefused as refusal:
        code, text = refusal.recipients[address]
    except smtplib.SMTPResponseException as refusal:
        code, text = refusal.smtp_code, refusal.smtp_error
    else:
        server.quit()
        print(address)
        return 0
    print(code, text.decode(errors="replace"), file=sys.stderr)
    return 3 if code // 100 == 4 else 1


sys.exit(main())
