// Looks for test mails in the Maildir that they are delivered to. Anybody can send mail there, so everything is bounded, and
// only what was recognised is removed.

internal import Daemon
internal import Glibc
internal import MixCrypto
internal import WireFormat

/// Reads a Maildir, a few files at a time: `begin`, then `next` and `settle` until `isOver`.
struct MaildirReader: Sendable {
    let path: String
    /// Files that were looked at and are not ours: `new/NAME`.
    private var strangers: Set<String> = []
    /// What this round has still to look at; the last one first.
    private var waiting: [String] = []
    /// What this round has brought so far.
    private(set) var round = Round()

    /// A longer file is not looked at: a test mail has some hundred bytes, and exits add little.
    static let sizeLimit = 256 << 10
    /// Most files that are looked at in a round; further ones in the next.
    static let filesPerRound = 1000
    /// Most names of a directory that are read; of more the round is not complete.
    static let namesLimit = 200_000
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
        /// Mails that cannot be read now. They are tried again in the next round.
        var unreadable = 0
    }

    /// A mail that may be one of ours.
    struct Candidate: Hashable, Sendable {
        fileprivate let file: String
        /// A number for the file, the same wherever it lies.
        let item: UInt64
        /// The tags that it may have, at least one.
        let tags: [[UInt8]]
    }

    /// Begins a round.
    /// - Throws: if the Maildir cannot be read; nothing is known of it then.
    mutating func begin() throws(CommandFailure) {
        round = Round()
        waiting = []
        var present: Set<String> = []
        if strangers.count > Self.strangersLimit { strangers = [] }
        for folder in ["new", "cur"] {
            let (names, areAll) = try Self.names(in: "\(path)/\(folder)")
            if !areAll { round.isComplete = false }
            for name in names where !name.hasPrefix(".") {
                let file = "\(folder)/\(name)"
                present.insert(file)
                guard !strangers.contains(file) else { continue }
                guard waiting.count < Self.filesPerRound else {
                    round.isComplete = false
                    continue
                }
                waiting.append(file)
            }
        }
        waiting.reverse()
        strangers.formIntersection(present)
    }

    /// Whether nothing is left to look at in this round.
    var isOver: Bool { waiting.isEmpty }

    /// Ends the round before all was seen.
    mutating func stop() {
        if !isOver { round.isComplete = false }
        waiting = []
    }

    /// Reads some more files.
    /// - Returns: those of them that may be ours.
    mutating func next(_ count: Int) -> [Candidate] {
        var candidates: [Candidate] = []
        for _ in 0..<count {
            guard let file = waiting.popLast() else { break }
            switch Self.load("\(path)/\(file)") {
            case .foreign: leave(file)
            case .notNow:
                round.unreadable += 1
                round.isComplete = false
            // Some mail programs move it from new to cur meanwhile: the next round finds it there.
            case .gone: round.isComplete = false
            case .mail(let bytes):
                let tags = TestMail.tags(in: bytes)
                if tags.isEmpty {
                    leave(file)
                } else {
                    candidates.append(Candidate(file: file, item: Self.number(of: file), tags: tags))
                }
            }
        }
        return candidates
    }

    /// What a mail turned out to be.
    /// - Parameter isOurs: that it is one of ours, and safely noted: it is removed. Nil if nobody could say now.
    mutating func settle(_ candidate: Candidate, isOurs: Bool?) {
        switch isOurs {
        case true:
            round.found += 1
            unlink("\(path)/\(candidate.file)")
        case false: leave(candidate.file)
        case nil: round.isComplete = false
        }
    }

    private mutating func leave(_ file: String) {
        strangers.insert(file)
        round.foreign += 1
    }

    private enum Loaded {
        case mail([UInt8])
        /// Too long, or no file.
        case foreign
        case gone
        /// The fault may be this machine's, of a moment: the mail may well be ours.
        case notNow
    }

    private static func load(_ file: String) -> Loaded {
        var status = stat()
        guard lstat(file, &status) == 0 else { return errno == ENOENT ? .gone : .notNow }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_size <= sizeLimit else { return .foreign }
        do throws(CommandFailure) { return .mail(try AtomicFile.read(file, limit: sizeLimit)) } catch { return .notNow }
    }

    /// Names a mail whichever of the two directories it lies in, and whatever was noted behind the colon.
    private static func number(of file: String) -> UInt64 {
        let unique = file.drop { $0 != "/" }.dropFirst().prefix { $0 != ":" }
        return Digest.sha256(Array(unique.utf8)).bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func names(in directory: String) throws(CommandFailure) -> (names: [String], areAll: Bool) {
        guard let stream = opendir(directory) else {
            throw CommandFailure("cannot read \(directory): \(SystemError(number: errno).reason)")
        }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else {
                    throw CommandFailure("cannot read \(directory): \(SystemError(number: errno).reason)")
                }
                return (names, true)
            }
            guard names.count < namesLimit else { return (names, false) }
            names.append(
                withUnsafeBytes(of: &entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                })
        }
    }
}
