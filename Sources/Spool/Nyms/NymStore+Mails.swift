// Mails that accounts send: tried until the other side has taken or refused them, or their time is over.

internal import GRDB
public import WireFormat

extension NymStore {
    /// Mails whose time has come, the oldest first. One that is damaged is erased, so that it stops nobody else's, and counted
    /// in `damagedRows`.
    public func dueMails(_ now: Timestamp, limit: Int) throws(NymStoreError) -> [StoredNymMail] {
        var damaged: [Int64] = []
        let mails = try read { database in
            try Row.fetchAll(
                try database.cachedStatement(
                    sql: """
                        SELECT id, account, bytes, attempts, next, deadline FROM mail WHERE next <= ?
                            ORDER BY next LIMIT ?
                        """), arguments: [now.milliseconds, limit]
            ).compactMap { row -> StoredNymMail? in
                let (id, account) = (try row.integer(0), try row.integer(1))
                guard let content = try? opened(row.bytes(2), as: Self.place("mail", account)) else {
                    damaged.append(id)
                    return nil
                }
                return StoredNymMail(
                    id: id, account: account, content: content, attempts: try row.int(3),
                    next: Timestamp(milliseconds: try row.integer(4)),
                    deadline: Timestamp(milliseconds: try row.integer(5)))
            }
        }
        for id in damaged {
            try write { try $0.execute(sql: "DELETE FROM mail WHERE id = ?", arguments: [id]) }
            noteRepair()
        }
        return mails
    }

    /// The time at which the next mail is due; nil if none waits.
    public func nextMail() throws(NymStoreError) -> Timestamp? {
        try read { database in
            try Row.fetchOne(try database.cachedStatement(sql: "SELECT MIN(next) FROM mail"))?
                .maybeInteger(0).map(Timestamp.init(milliseconds:))
        }
    }

    /// An attempt did not succeed with all recipients: the mail is tried again. Nothing happens if it is gone.
    /// - Parameter content: What is left of it to send; nil if nothing has changed.
    public func retryMail(
        _ mail: StoredNymMail, content: [UInt8]? = nil, attempts: Int, next: Timestamp
    ) throws(NymStoreError) {
        try write { database in
            let sealed = try content.map { try seal.seal($0, as: Self.place("mail", mail.account)) }
            try database.cachedStatement(
                sql: "UPDATE mail SET bytes = IFNULL(?, bytes), attempts = ?, next = ? WHERE id = ?"
            ).execute(arguments: [sealed.map(Blob.data), attempts, next.milliseconds, mail.id])
        }
    }

    /// The mail is done with, and what has to be said about it reaches its account in the same step.
    /// - Returns: What became of that; nil without any.
    @discardableResult
    public func finishMail(
        _ mail: StoredNymMail, notice: NewNymItem? = nil
    ) throws(NymStoreError) -> NymArrivalOutcome? {
        try write { database -> NymArrivalOutcome?? in
            try database.cachedStatement(sql: "DELETE FROM mail WHERE id = ?").execute(arguments: [mail.id])
            // A mail that was finished before has had its notice.
            guard database.changesCount == 1, let notice else { return .some(nil) }
            return .some(try keep(notice, for: mail.account, in: database))
        } ?? nil
    }
}
