// Runs Python programs as peers of a test: what we did not write speaks to what we did. Not by Foundation's Process, which waits
// in run loops and hangs when many tests wait at once.

import Dispatch
import Foundation
import Glibc

/// A running Python program; killed by `stop`. Its standard output is read line by line.
final class PythonPeer: Sendable {
    struct Failure: Error, CustomStringConvertible { let description: String }

    private let id: pid_t
    private let output: Int32

    init(_ arguments: [String]) throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw Failure(description: "no pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        let strings = (["/usr/bin/env", "python3", "-u"] + arguments).map { strdup($0) }
        defer { for string in strings { free(string) } }
        var child: pid_t = 0
        let code = posix_spawn(&child, "/usr/bin/env", &actions, nil, strings + [nil], environ)
        close(ends[1])
        guard code == 0 else {
            close(ends[0])
            throw Failure(description: "cannot run python3")
        }
        id = child
        output = ends[0]
    }

    /// A proxy of `Peers/`, and its port.
    static func proxy(_ arguments: [String]) async throws -> (PythonPeer, port: Int) {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Peers/proxy_peer.py")
        let peer = try PythonPeer([script.path] + arguments)
        return (peer, try await peer.port(after: "PORT "))
    }

    /// A web server of the files in a directory, and its port.
    static func files(_ directory: String) async throws -> (PythonPeer, port: Int) {
        let peer = try PythonPeer(["-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", directory])
        return (peer, try await peer.port(after: "Serving HTTP on 127.0.0.1 port "))
    }

    /// A web server with TLS of the files in a directory, and its port. Its certificate, which it makes with openssl, is for
    /// `localhost` and signed by nobody else.
    static func filesWithTLS(_ directory: String) async throws -> (PythonPeer, port: Int) {
        let script = """
            import functools, http.server, ssl, subprocess, sys, tempfile
            with tempfile.TemporaryDirectory() as place:
                key, certificate = place + "/key", place + "/certificate"
                subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                    "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, capture_output=True)
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(certificate, key)
            handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
            print("PORT", server.server_address[1])
            server.serve_forever()
            """
        let peer = try PythonPeer(["-c", script, directory])
        return (peer, try await peer.port(after: "PORT "))
    }

    func stop() {
        kill(id, SIGKILL)
        waitpid(id, nil, 0)
        close(output)
    }

    /// The next line of its output. Waits on a thread of its own, so that other tests go on.
    func line() async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: Result { try self.readLine() }) }
        }
    }

    private func readLine() throws -> String {
        var line: [UInt8] = []
        while true {
            var byte: UInt8 = 0
            guard read(output, &byte, 1) == 1 else { throw Failure(description: "the peer ended early") }
            if byte == 0x0A { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
    }

    private func port(after words: String) async throws -> Int {
        let line = try await line()
        guard line.hasPrefix(words), let port = Int(line.dropFirst(words.count).prefix { $0.isNumber }) else {
            throw Failure(description: "the peer said \(line)")
        }
        return port
    }
}
