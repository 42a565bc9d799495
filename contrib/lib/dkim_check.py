#!/usr/bin/env python3
"""Verifies the DKIM signature of a mail without DNS, as its recipient's server would.

usage: dkim_check.py MAIL KEY [DOMAIN]
MAIL is a file with the mail as it arrived, KEY the n1.txt that opendkim-genkey wrote (lines for a zone file).
The signature must verify, cover From, name no more From lines than there are, and be of From's own domain (DMARC,
strict), and of DOMAIN if that is given. Prints what was signed; exit code 1 if anything of it is not so.
"""
import email.policy
import email.utils
import re
import sys

import dkim


def main():
    with open(sys.argv[1], "rb") as file:
        mail = file.read()
    with open(sys.argv[2]) as file:
        zone = file.read()
    record = "".join(re.findall(r'"([^"]*)"', zone)).encode()
    selector = re.match(r"(\S+)\._domainkey", zone).group(1)
    asked = []

    def key_of(name, **_):
        asked.append(name.decode() if isinstance(name, bytes) else name)
        return record

    headers = email.message_from_bytes(mail, policy=email.policy.compat32)
    signatures = headers.get_all("DKIM-Signature", [])
    if len(signatures) != 1:
        sys.exit(f"{len(signatures)} signatures")
    senders = headers.get_all("From", [])
    if len(senders) != 1:
        sys.exit(f"{len(senders)} From lines")
    domain = email.utils.parseaddr(senders[0])[1].rpartition("@")[2].lower()
    checker = dkim.DKIM(mail, minkey=1024)
    try:
        is_right = checker.verify(dnsfunc=key_of)
    except dkim.DKIMException as reason:
        sys.exit(f"the signature is wrong: {reason}")
    if not is_right:
        sys.exit("the signature is wrong")
    tags = dict(part.strip().split("=", 1) for part in signatures[0].split(";") if "=" in part)
    signed = [name.strip().lower() for name in tags["h"].split(":")]
    if signed.count("from") < 2:
        sys.exit(f"From is not signed twice, but: {signed}")
    if tags["d"].strip() != domain or (len(sys.argv) > 3 and domain != sys.argv[3]):
        sys.exit(f"signed by {tags['d']}, written by {domain}")
    if not asked or asked[0].rstrip(".") != f"{selector}._domainkey.{domain}":
        sys.exit(f"the key was looked for at {asked}")
    if "l" in tags:
        sys.exit("the signature covers a part of the body only")
    print(f"signed by {domain}, key {tags['s'].strip()}, {tags['a'].strip()}, fields: {' '.join(sorted(set(signed)))}")


main()
