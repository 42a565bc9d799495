// Delivery into a Maildir: the file is written in `tmp`, made durable, and then linked into `new`. Its name follows
// from the message alone, so that a delivery repeated after a crash finds the mail there and does not double it. What
// this cannot see is a mail that its reader has moved elsewhere or deleted between the crash and the repetition.

internal import Glibc
public import NIOPosix
public import WireFormat

/// Writes mail into one Maildir.
public struct MaildirDelivery: Sendable {
    /// Absolute path of the Maildir. It and its three subdirectories are made if missing, mode 0700; its parent is not.
    public let path: String

    public init(path: String) { self.path = path }

    /// What a delivery came to.
    public struct Result: Hashable, Sendable {
        public var outcome: ExitOutcome
        /// The mail was there already, from an earlier attempt.
        public var wasThere: Bool

        public init(outcome: ExitOutcome, wasThere: Bool = false) {
            self.outcome = outcome
            self.wasThere = wasThere
        }
    }

    /// Stores as `store` does, on `threadPool`.
    public func deliver(
        head: [UInt8], body: ExitBody, token: Digest, on threadPool: NIOThreadPool = .singleton
    ) async -> Result {
        do {
            return try await threadPool.runIfActive { store(head: head, body: body, token: token) }
        } catch {
            return Result(outcome: .deferred(.shutdown))
        }
    }

    /// Stores a mail; blocks until it is on the disk. Every failure is a deferral: disks are emptied and rights mended.
    ///
    /// - Parameters:
    ///   - head: header fields and blank line.
    ///   - token: a keyed digest of the message id and the recipient, the same at every attempt.
    public func store(head: [UInt8], body: ExitBody, token: Digest) -> Result {
        let name = "\(Hex.encode(token.bytes.prefix(20))).nightjar"
        do {
            try makeDirectories()
            if try isThere(name) { return Result(outcome: .delivered(code: 250), wasThere: true) }
            try removeRemains(of: name)
            return Result(outcome: .delivered(code: 250), wasThere: try write(head: head, body: body, name: name))
        } catch is MaildirError {
            return Result(outcome: .deferred(.storage))
        } catch {
            return Result(outcome: .deferred(.bodyUnreadable))
        }
    }

    // MARK: - Steps

    private func makeDirectories() throws(MaildirError) {
        var isNew = false
        for directory in [path, "\(path)/tmp", "\(path)/new", "\(path)/cur"] {
            if mkdir(directory, 0o700) == 0 {
                isNew = true
            } else if errno != EEXIST {
                throw MaildirError(code: errno)
            }
        }
        if isNew { try synchronize(directory: path) }
    }

    /// Whether `new` or, with flags behind its name, `cur` has the mail.
    private func isThere(_ name: String) throws(MaildirError) -> Bool {
        if access("\(path)/new/\(name)", F_OK) == 0 { return true }
        guard errno == ENOENT else { throw MaildirError(code: errno) }
        return try list("\(path)/cur").contains { $0 == name || $0.hasPrefix("\(name):") }
    }

    /// Removes what earlier attempts at the same mail left in `tmp`. Should one still be running, it will fail and be
    /// repeated, and then find the mail delivered.
    private func removeRemains(of name: String) throws(MaildirError) {
        for file in try list("\(path)/tmp") where file.hasPrefix("\(name).") { unlink("\(path)/tmp/\(file)") }
    }

    /// Writes and links the mail; whether another attempt had been faster.
    private func write(head: [UInt8], body: ExitBody, name: String) throws -> Bool {
        let temporary = "\(path)/tmp/\(name).\(Hex.encode(SystemRandomNumberGenerator.eight()))"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw MaildirError(code: errno) }
        defer { unlink(temporary) }
        do {
            defer { close(descriptor) }
            var encoder = LineEncoder(.file)
            // RFC 5321 section 4.4; nobody is told of what becomes of local mail, so the sender is the null one.
            try write(encoder.encode(Array("Return-Path: <>\r\n".utf8) + head), to: descriptor)
            let read = try body.open()
            while let piece = try read() { try write(encoder.encode(piece), to: descriptor) }
            try write(encoder.finish(), to: descriptor)
            guard fsync(descriptor) == 0 else { throw MaildirError(code: errno) }
        }
        // Unlike a renaming, a link never replaces a mail that is there.
        var wasThere = false
        if link(temporary, "\(path)/new/\(name)") != 0 {
            guard errno == EEXIST else { throw MaildirError(code: errno) }
            wasThere = true
        }
        try synchronize(directory: "\(path)/new")
        return wasThere
    }

    private func write(_ bytes: [UInt8], to descriptor: Int32) throws(MaildirError) {
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.write(
                    descriptor, UnsafeRawBufferPointer(rebasing: buffer[offset...]).baseAddress, buffer.count - offset)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw MaildirError(code: count < 0 ? errno : ENOSPC) }
            offset += count
        }
    }

    private func synchronize(directory: String) throws(MaildirError) {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw MaildirError(code: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw MaildirError(code: errno) }
    }

    private func list(_ directory: String) throws(MaildirError) -> [String] {
        guard let stream = opendir(directory) else { throw MaildirError(code: errno) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(
                withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                })
        }
        return names
    }
}

/// A failed system call.
private struct MaildirError: Error {
    let code: Int32
}

extension SystemRandomNumberGenerator {
    fileprivate static func eight() -> [UInt8] {
        var generator = Self()
        return generator.bytes(8)
    }
}
