// Looks for test mails in the Maildir that they are delivered to. Anybody can send mail there, so everything is bounded, and
// only what was recognised is removed.

internal import Daemon
internal import Glibc
internal import MixCrypto
internal import WireFormat

/// Reads a Maildir.
struct MaildirReader: Sendable {
    let path: String
    /// Files that were looked at and are not ours: `new/NAME`.
    private var strangers: Set<String> = []

    /// A longer file is not looked at: a test mail has some hundred bytes, and exits add little.
    static let sizeLimit = 256 << 10
    /// Most files that are looked at in a round; further ones in the next.
    static let filesPerRound = 1000
    /// Most names of foreign files that are remembered; then all are looked at once more.
    static let strangersLimit = 100_000

    init(path: String) { self.path = path }

    /// Whether `path` has the two directories of a Maildir.
    static func isThere(_ path: String) -> Bool {
        ["new", "cur"].allSatisfy { access("\(path)/\($0)", R_OK | X_OK) == 0 }
    }

    /// What a round brought.
    struct Round: Hashable, Sendable {
        /// Whether every file was looked at: nothing else was there.
        var isComplete = true
        /// Mails that were recognised.
        var found = 0
        /// Mails that were not.
        var foreign = 0
    }

    /// Looks at all files that are new.
    /// - Parameter take: told the tags that a mail may have and a number for its file; whether it is one of ours, and safely
    ///   noted. It is removed then.
    /// - Throws: `CommandFailure` if the Maildir cannot be read, or what `take` throws.
    mutating func read(_ take: (_ tags: [[UInt8]], _ item: UInt64) throws -> Bool) throws -> Round {
        var round = Round()
        var present: Set<String> = []
        if strangers.count > Self.strangersLimit { strangers = [] }
        for folder in ["new", "cur"] {
            for name in try Self.names(in: "\(path)/\(folder)") where !name.hasPrefix(".") {
                let file = "\(folder)/\(name)"
                present.insert(file)
                guard !strangers.contains(file) else { continue }
                guard round.found + round.foreign < Self.filesPerRound else {
                    round.isComplete = false
                    continue
                }
                // Some mail programs move it from new to cur meanwhile: the next round finds it there.
                let bytes: [UInt8]
                do { bytes = try AtomicFile.read("\(path)/\(file)", limit: Self.sizeLimit) } catch {
                    strangers.insert(file)
                    round.foreign += 1
                    continue
                }
                if try take(TestMail.tags(in: bytes), Self.number(of: name)) {
                    round.found += 1
                    unlink("\(path)/\(file)")
                } else {
                    strangers.insert(file)
                    round.foreign += 1
                }
            }
        }
        strangers.formIntersection(present)
        return round
    }

    /// Names a mail whichever of the two directories it lies in, and whatever was noted behind the colon.
    private static func number(of name: String) -> UInt64 {
        let unique = name.prefix { $0 != ":" }
        return Digest.sha256(Array(unique.utf8)).bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func names(in directory: String) throws(CommandFailure) -> [String] {
        guard let stream = opendir(directory) else {
            throw CommandFailure("cannot read \(directory): \(SystemError(number: errno).reason)")
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(
                withUnsafeBytes(of: &entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                })
        }
        return names
    }
}
