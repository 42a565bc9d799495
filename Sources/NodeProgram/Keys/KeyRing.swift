// A node's packet keys: one for each key period, made ahead, published, accepted for a while after the period, then
// destroyed together with the replay tags of the period (doc/MIXING.md, key periods).

internal import Foundation
internal import MixCrypto
internal import Sphinx
internal import Synchronization
internal import WireFormat

/// The keys accepted at one time. A value: workers hold it for a batch, maintenance replaces it.
struct AcceptedKeys: PacketKeys, Sendable {
    fileprivate var keys: [KeyPeriod: KEMPrivateKey] = [:]

    func key(of period: KeyPeriod) -> KEMPrivateKey? { keys[period] }
    var periods: [KeyPeriod] { keys.keys.sorted() }
    /// Public keys of the periods from `first` on.
    func published(from first: KeyPeriod) -> [KeyPeriod: KEMPublicKey] {
        keys.filter { $0.key >= first }.mapValues(\.publicKey)
    }
}

/// The key files of a node and the keys in them.
final class KeyRing: Sendable {
    /// How many periods ahead keys are made and published.
    static let periodsAhead = 2

    struct Changes: Equatable {
        var created: [KeyPeriod] = []
        var destroyed: [KeyPeriod] = []
        var isEmpty: Bool { created.isEmpty && destroyed.isEmpty }
    }

    private let directory: String
    private let calendar: KeyPeriodCalendar
    private let accepted = Mutex(AcceptedKeys())

    /// - Parameter directory: holds one file `NUMBER.key` (32-byte seed) for each period.
    init(directory: String, calendar: KeyPeriodCalendar) {
        self.directory = directory
        self.calendar = calendar
    }

    /// The keys to unwrap with.
    var current: AcceptedKeys { accepted.withLock { $0 } }

    /// Loads, makes and destroys keys so that the ring is what it should be at `now`.
    func maintain(at now: Timestamp) throws -> Changes {
        guard let period = calendar.period(at: now) else { throw KeyRingError.clock(now) }
        var changes = Changes()
        var keys = current
        for (number, path) in try files() where keys.keys[number] == nil && calendar.destruction(of: number) > now {
            keys.keys[number] = try KEMPrivateKey(seed: SecretFile.read(path, count: KEM.seedSize))
        }
        for (number, path) in try files() where calendar.destruction(of: number) <= now {
            try SecretFile.destroy(path)
            keys.keys[number] = nil
            changes.destroyed.append(number)
        }
        for ahead in 0...Self.periodsAhead {
            guard let wanted = period.advanced(by: ahead), keys.keys[wanted] == nil else { continue }
            let seed = try SecretBytes.random(count: KEM.seedSize)
            try SecretFile.create(path(of: wanted), seed)
            keys.keys[wanted] = try KEMPrivateKey(seed: seed)
            changes.created.append(wanted)
        }
        accepted.withLock { [keys] in $0 = keys }
        return changes
    }

    /// When `maintain` has something to do next: the end of the current period or the next destruction.
    func nextChange(after now: Timestamp) -> Timestamp? {
        guard let period = calendar.period(at: now) else { return nil }
        let destructions = current.periods.map(calendar.destruction(of:)).filter { $0 > now }
        return ([calendar.end(of: period)] + destructions).min()
    }

    private func path(of period: KeyPeriod) -> String { "\(directory)/\(period.number).key" }

    private func files() throws -> [(KeyPeriod, String)] {
        try FileManager.default.contentsOfDirectory(atPath: directory).compactMap { name in
            guard name.hasSuffix(".key"), let number = UInt16(name.dropLast(4)) else { return nil }
            return (KeyPeriod(number), "\(directory)/\(name)")
        }.sorted { $0.0 < $1.0 }
    }
}

/// Why the keys cannot be kept; words for the operator.
enum KeyRingError: Error, Equatable, CustomStringConvertible {
    case clock(Timestamp)

    var description: String {
        switch self {
        case .clock(let now): "the clock says \(now), for which there is no key period; set this machine's clock"
        }
    }
}
