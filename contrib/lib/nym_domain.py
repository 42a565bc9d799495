#!/usr/bin/env python3
"""The mail servers of a nym domain on loopback: Postfix and OpenDKIM from the sample files in etc/, with names, paths and
ports replaced. For tests and the demo: what they run is what doc/NYM_DOMAIN.md tells an operator to install.

usage: nym_domain.py DIRECTORY --mx PORT --submission PORT --lmtp PLACE --policy PLACE --outside PORT
PLACE is the path of a socket or 127.0.0.1:PORT. Needs root, as Postfix does. DIRECTORY must be new, and every user must
get through to it. Runs until its standard input has a line or ends, or it gets SIGTERM. Files in DIRECTORY: ready once
everything listens, log of Postfix, keys/n1.txt, which is the record for DNS.
"""
import argparse
import os
import pwd
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time

SAMPLES = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../etc"))

# What stands for DNS and for patience. Nothing else is added to the samples.
ADDED = """
# -- Of the test.
queue_directory = {directory}/queue
data_directory = {directory}/data
maillog_file = {directory}/log
maillog_file_prefixes = {directory}
relayhost = [127.0.0.1]:{outside}
smtp_dns_support_level = disabled
smtp_host_lookup = native
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
transport_retry_time = 1s
"""


def sample(name, replacements):
    """A sample file with each of the pairs replaced; every one must occur."""
    with open(os.path.join(SAMPLES, name)) as file:
        text = file.read()
    for old, new in replacements:
        if old not in text:
            sys.exit(f"{name} does not say {old!r}")
        text = text.replace(old, new)
    return text


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def postfix_place(place):
    return f"unix:{place}" if place.startswith("/") else f"inet:{place}"


def prepare(directory, options, signer):
    os.mkdir(directory)
    os.chmod(directory, 0o755)
    for name in ("etc", "queue", "data", "keys"):
        os.mkdir(os.path.join(directory, name))
    postfix, opendkim = pwd.getpwnam("postfix"), pwd.getpwnam("opendkim")
    os.chown(f"{directory}/data", postfix.pw_uid, postfix.pw_gid)
    subprocess.run(["opendkim-genkey", "-b", "2048", "-d", "nym.example", "-s", "n1", "-D", f"{directory}/keys"], check=True)
    os.chown(f"{directory}/keys/n1.private", opendkim.pw_uid, opendkim.pw_gid)
    os.chmod(f"{directory}/keys/n1.txt", 0o644)
    chain = f"{directory}/etc/mx.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=mx.nym.example",
         "-keyout", chain, "-out", f"{directory}/etc/certificate.pem"], check=True, stderr=subprocess.DEVNULL)
    with open(chain, "a") as file, open(f"{directory}/etc/certificate.pem") as certificate:
        file.write(certificate.read())
    main = sample("postfix/main.cf.nym", [
        ("lmtp:unix:/run/nightjar-nymserver/lmtp", "lmtp:" + postfix_place(options.lmtp)),
        ("unix:/run/nightjar-nymserver/policy", postfix_place(options.policy)),
        ("/etc/postfix/tls/mx.nym.example.pem", chain),
        ("inet_interfaces = all", "inet_interfaces = 127.0.0.1"),
        ("inet_protocols = all", "inet_protocols = ipv4"),
    ])
    write(f"{directory}/etc/main.cf", main + ADDED.format(directory=directory, outside=options.outside))
    write(f"{directory}/etc/master.cf", sample("postfix/master.cf.nym", [
        ("smtp                inet", f"127.0.0.1:{options.mx} inet"),
        ("127.0.0.1:10025     inet", f"127.0.0.1:{options.submission} inet"),
        ("inet:127.0.0.1:8891", f"inet:127.0.0.1:{signer}"),
        ("/etc/postfix/header_checks.nym", f"{directory}/etc/header_checks.nym"),
    ]))
    write(f"{directory}/etc/header_checks.nym", sample("postfix/header_checks.nym", []))
    write(f"{directory}/etc/opendkim.conf", sample("opendkim/opendkim.conf.nym", [
        ("inet:8891@127.0.0.1", f"inet:{signer}@127.0.0.1"),
        ("/etc/opendkim/keys/n1.private", f"{directory}/keys/n1.private"),
        # A directory for temporary files is no safe place in its eyes.
        ("RequireSafeKeys     yes", "RequireSafeKeys     no"),
    ]))


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def master_ends(directory, seconds):
    """Asks Postfix's master to end; its children follow it."""
    try:
        with open(f"{directory}/queue/pid/master.pid") as file:
            master = int(file.read())
    except (OSError, ValueError):
        return
    end = time.monotonic() + seconds
    number = signal.SIGTERM
    while True:
        try:
            os.kill(master, number)
            with open(f"/proc/{master}/stat") as file:
                if re.search(r"\) Z", file.read()):
                    return
        except (ProcessLookupError, FileNotFoundError):
            return
        number = 0
        if time.monotonic() > end:
            number, end = signal.SIGKILL, end + seconds
        time.sleep(0.05)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory")
    for name in ("--mx", "--submission", "--outside"):
        parser.add_argument(name, type=int, required=True)
    parser.add_argument("--lmtp", required=True)
    parser.add_argument("--policy", required=True)
    options = parser.parse_args()
    directory = os.path.abspath(options.directory)
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    os.umask(0o022)
    signer = free_port()
    prepare(directory, options, signer)
    opendkim = subprocess.Popen(
        [shutil.which("opendkim"), "-f", "-x", f"{directory}/etc/opendkim.conf"], stdin=subprocess.DEVNULL)
    stopped = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stopped.append(True))
    try:
        subprocess.run(["postfix", "-c", f"{directory}/etc", "start"], check=True, stdin=subprocess.DEVNULL)
        end = time.monotonic() + 30
        while not all(listens(port) for port in (signer, options.mx, options.submission)):
            if opendkim.poll() is not None:
                sys.exit("opendkim has ended")
            if time.monotonic() > end:
                sys.exit(f"not everything listens; see {directory}/log")
            time.sleep(0.05)
        os.chmod(f"{directory}/log", 0o644)
        write(f"{directory}/ready", "")
        while not stopped and not select.select([sys.stdin], [], [], 0.2)[0]:
            if opendkim.poll() is not None:
                sys.exit("opendkim has ended")
    finally:
        master_ends(directory, 10)
        opendkim.terminate()
        opendkim.wait(10)


main()
