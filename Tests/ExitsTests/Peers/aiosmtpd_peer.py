"""A real SMTP server (aiosmtpd) that can be told to misbehave.

Listens on a loopback port, of the system's choosing unless `--port` names one, prints `PORT n`, and runs until its standard input is closed.
Mails are written to DIR/new as they came, dots undone, and what was said of them to DIR/envelopes as JSON.

    --reply VERB=TEXT   answer VERB with TEXT instead of obeying
    --close VERB        close the connection instead of answering VERB
    --hang VERB         never answer VERB
Each may carry a count, as in `--close DOT*1`: from then on the server behaves. VERB is a command, CONNECT for the
greeting, or DOT for the end of the data; a mail is stored before DOT misbehaves by closing or hanging.
"""
import argparse
import asyncio
import json
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

parser = argparse.ArgumentParser()
parser.add_argument("--maildir", required=True)
parser.add_argument("--port", type=int, default=0)
parser.add_argument("--reply", action="append", default=[])
parser.add_argument("--close", action="append", default=[])
parser.add_argument("--hang", action="append", default=[])
parser.add_argument("--cert")
parser.add_argument("--key")
parser.add_argument("--implicit", action="store_true")
parser.add_argument("--require-tls", action="store_true")
parser.add_argument("--auth", help="USER:PASSWORD that mail needs")
parser.add_argument("--exclude", action="append", default=[], help="mechanism not to offer")
parser.add_argument("--size", type=int, default=33554432)
options = parser.parse_args()

turns = []  # [kind, verb, text, times left or None]
for kind in ("reply", "close", "hang"):
    for spec in getattr(options, kind):
        verb, _, text = spec.partition("=")
        verb, _, times = verb.partition("*")
        turns.append([kind, verb, text, int(times) if times else None])


def next_turn(verb):
    for turn in turns:
        if turn[1] == verb and turn[3] != 0:
            if turn[3] is not None:
                turn[3] -= 1
            return turn
    return None


class Store:
    count = 0

    async def handle_DATA(self, server, session, envelope):
        turn = next_turn("DOT")
        if turn and turn[0] == "reply":
            return turn[2]
        Store.count += 1
        name = f"{Store.count:04}"
        about = {
            "from": envelope.mail_from, "to": envelope.rcpt_tos, "options": envelope.mail_options,
            "tls": server._tls_protocol is not None or options.implicit, "authenticated": bool(session.authenticated),
            "port": session.peer[1],
        }
        for directory, content in (("envelopes", json.dumps(about).encode()), ("new", envelope.content)):
            temporary = os.path.join(options.maildir, "tmp", name)
            with open(temporary, "wb") as file:
                file.write(content)
            os.rename(temporary, os.path.join(options.maildir, directory, name))
        if turn:
            await misbehave(server, turn)
        return "250 2.0.0 stored"


async def misbehave(server, turn):
    if turn[0] == "hang":
        await asyncio.Event().wait()
    server.transport.close()
    await asyncio.Event().wait()


class Server(SMTP):
    async def _handle_client(self):
        turn = next_turn("CONNECT")
        if turn:
            if turn[0] == "reply":
                await self.push(turn[2])
                self.transport.close()
                return
            await misbehave(self, turn)
        await super()._handle_client()


def wrap(verb):
    normal = getattr(SMTP, "smtp_" + verb)

    async def method(self, arg):
        turn = next_turn(verb)
        if not turn:
            await normal(self, arg)
        elif turn[0] == "reply":
            await self.push(turn[2])
        else:
            await misbehave(self, turn)

    for name in ("__smtp_syntax__", "__smtp_syntax_extended__", "__smtp_syntax_when__"):
        setattr(method, name, getattr(normal, name, None))
    setattr(Server, "smtp_" + verb, method)


for verb in ("EHLO", "HELO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "RSET", "QUIT"):
    wrap(verb)


def authenticate(server, session, envelope, mechanism, data):
    given = f"{data.login.decode()}:{data.password.decode()}"
    return AuthResult(success=given == options.auth, handled=False)


def make_server(context):
    return Server(
        Store(), hostname="peer.example", data_size_limit=options.size,
        tls_context=None if options.implicit else context, require_starttls=options.require_tls,
        auth_required=bool(options.auth), auth_require_tls=not options.implicit,
        authenticator=authenticate if options.auth else None, auth_exclude_mechanism=options.exclude)


async def main():
    for directory in ("tmp", "new", "envelopes"):
        os.makedirs(os.path.join(options.maildir, directory), exist_ok=True)
    context = None
    if options.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.cert, options.key)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: make_server(context), "127.0.0.1", options.port, ssl=context if options.implicit else None)
    print("PORT", server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    os._exit(0)


asyncio.run(main())
