// Whose database it is. What an authority said under one name in one network keeps it from saying two things there; in another
// network, or for another authority, it would only be in the way, or worse, be missing.

internal import Foundation
internal import GRDB
public import WireFormat

/// What a store belongs to.
public struct StoreOwner: Equatable, Sendable, CustomStringConvertible {
    /// The network's name.
    public var network: String
    public var slotLength: Interval
    /// The authority's name.
    public var authority: String
    /// Digest of its identity key.
    public var identity: Digest

    public init(network: String, slotLength: Interval, authority: String, identity: Digest) {
        self.network = network
        self.slotLength = slotLength
        self.authority = authority
        self.identity = identity
    }

    public var description: String {
        "authority \(authority) (identity \(identity.hex.prefix(16))) of the network \(network) with slots of "
            + "\(slotLength.milliseconds / 1000) s"
    }

    fileprivate var text: String { "\(network)\n\(slotLength.milliseconds)\n\(authority)\n\(identity.hex)" }

    fileprivate init?(text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count == 4, let length = Int64(lines[1]), let identity = Digest(hex: lines[3]) else { return nil }
        self.init(
            network: String(lines[0]), slotLength: .milliseconds(length), authority: String(lines[2]),
            identity: identity)
    }
}

extension AuthorityStore {
    /// Binds a store that belongs to nobody yet, and checks one that does. Throws `otherOwner` if it belongs to another.
    /// - Parameter former: identities that this authority had before: with a new one it goes on.
    public func bind(to owner: StoreOwner, former: Set<Digest> = []) throws(AuthorityStoreError) {
        try write { database in
            if let found = try Data.fetchOne(database, sql: "SELECT value FROM property WHERE name = 'owner'") {
                guard let bound = StoreOwner(text: String(decoding: found, as: UTF8.self)) else {
                    throw AuthorityStoreError.damaged(path: path)
                }
                guard bound != owner else { return }
                var renewed = bound
                if former.contains(bound.identity) { renewed.identity = owner.identity }
                guard renewed == owner else {
                    throw AuthorityStoreError.otherOwner(path: path, found: "\(bound)", wanted: "\(owner)")
                }
            }
            // A blob, which a column of numbers keeps as it is.
            try database.execute(
                sql: """
                    INSERT INTO property (name, value) VALUES ('owner', ?)
                    ON CONFLICT (name) DO UPDATE SET value = excluded.value
                    """, arguments: [Data(owner.text.utf8)])
        }
    }

    /// Whose it is; nil for a store that was never bound.
    public func owner() throws(AuthorityStoreError) -> StoreOwner? {
        try read { database in
            try Data.fetchOne(database, sql: "SELECT value FROM property WHERE name = 'owner'").flatMap {
                StoreOwner(text: String(decoding: $0, as: UTF8.self))
            }
        }
    }
}
