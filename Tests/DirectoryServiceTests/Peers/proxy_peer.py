#!/usr/bin/env python3
"""An HTTP CONNECT or SOCKS5 proxy for tests.

It resolves only the names that it is told of (--map NAME=PORT, on the loopback), so that a request that arrives shows
that the name was resolved here. Prints "PORT n", then a line for each request: its target and the user, or "refused".
"""
import argparse
import base64
import socket
import threading

parser = argparse.ArgumentParser()
parser.add_argument("--kind", choices=["http", "socks5"], required=True)
parser.add_argument("--user")
parser.add_argument("--password", default="")
parser.add_argument("--map", action="append", default=[])
options = parser.parse_args()
names = dict(entry.split("=") for entry in options.map)


def say(text):
    print(text, flush=True)


def take(connection, count):
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def reach(host, port):
    if host in names:
        return socket.create_connection(("127.0.0.1", int(names[host])))
    if host == "127.0.0.1":
        return socket.create_connection((host, port))
    return None


def pump(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def join(client, server):
    threading.Thread(target=pump, args=(server, client), daemon=True).start()
    pump(client, server)


def http(client):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += take(client, 1)
    lines = head.decode().split("\r\n")
    method, target, _ = lines[0].split(" ")
    host, port = target.rsplit(":", 1)
    fields = {l.split(":", 1)[0].lower(): l.split(":", 1)[1].strip() for l in lines[1:] if l}
    user = "-"
    if options.user is not None:
        wanted = base64.b64encode(f"{options.user}:{options.password}".encode()).decode()
        if fields.get("proxy-authorization") != f"Basic {wanted}":
            say("refused")
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
            return
        user = options.user
    say(f"{method} {host} {port} {user}")
    server = reach(host, int(port))
    if server is None:
        client.sendall(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")
        return
    client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    join(client, server)


def socks5(client):
    version, count = take(client, 2)
    methods = take(client, count)
    user = "-"
    if options.user is None:
        client.sendall(b"\x05\x00")
    elif 2 in methods:
        client.sendall(b"\x05\x02")
        _, length = take(client, 2)
        user = take(client, length).decode()
        password = take(client, take(client, 1)[0]).decode()
        if (user, password) != (options.user, options.password):
            say("refused")
            client.sendall(b"\x01\x01")
            return
        client.sendall(b"\x01\x00")
    else:
        say("refused")
        client.sendall(b"\x05\xff")
        return
    _, command, _, kind = take(client, 4)
    if kind == 3:
        host = take(client, take(client, 1)[0]).decode()
    elif kind == 1:
        host = socket.inet_ntop(socket.AF_INET, take(client, 4))
    else:
        host = socket.inet_ntop(socket.AF_INET6, take(client, 16))
    port = int.from_bytes(take(client, 2), "big")
    say(f"{'NAME' if kind == 3 else 'ADDRESS'} {host} {port} {user}")
    server = reach(host, port)
    if server is None:
        client.sendall(b"\x05\x04\x00\x01\x00\x00\x00\x00\x00\x00")
        return
    client.sendall(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
    join(client, server)


def serve(client):
    with client:
        try:
            (http if options.kind == "http" else socks5)(client)
        except (EOFError, OSError, ValueError):
            pass


listener = socket.create_server(("127.0.0.1", 0))
say(f"PORT {listener.getsockname()[1]}")
while True:
    accepted, _ = listener.accept()
    threading.Thread(target=serve, args=(accepted,), daemon=True).start()
