// Reading mailboxes. Their names are hashed and their policies sealed on disk, so that it shows without the storage key
// neither which mailboxes a node has nor who may write to them.

internal import Foundation
internal import GRDB
public import WireFormat

extension Spool {
    /// The policy that a mailbox was given; nil if there is no such mailbox.
    public func mailboxPolicy(_ mailbox: MailboxID) throws(SpoolError) -> [UInt8]? {
        let name = core.seal.name(of: mailbox)
        let sealed = try core.query { database in
            try Data.fetchOne(
                database.cachedStatement(sql: "SELECT policy FROM mailbox WHERE id = ?"), arguments: [name.blob])
        }
        guard let sealed else { return nil }
        do { return try core.seal.open(Array(sealed), as: name.place) } catch { throw .damaged }
    }

    /// A block of a mailbox. `unknown` if it is not there, `damaged` if it does not open.
    public func readMailBlock(_ number: UInt64, of mailbox: MailboxID) throws(SpoolError) -> StoredMailBlock {
        guard let row = Int64(exactly: number) else { throw .unknown }
        let name = core.seal.name(of: mailbox)
        let found = try readRecords {
            try Row.fetchAll(
                $0, sql: "SELECT segment, slot, length, kind FROM mailblock WHERE mailbox = ? AND number = ?",
                arguments: [name.blob, row])
        }
        guard let block = found.first else { throw .unknown }
        return StoredMailBlock(number: number, kind: block.row[3], body: block.bytes)
    }
}

/// What a mailbox is called on disk.
struct MailboxName: Hashable {
    let hash: Digest

    var blob: Data { hash.blob }
    /// What its sealed policy is bound to.
    var place: String { "mailbox \(hash.hex)" }
}

extension StorageSeal {
    /// A keyed hash of the mailbox's id.
    func name(of mailbox: MailboxID) -> MailboxName { MailboxName(hash: hash(mailbox.bytes)) }
}
