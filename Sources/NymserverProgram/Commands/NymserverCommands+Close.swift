// `close`: the operator ends a nym, after a complaint say. It is what the nym's owner can do: what waits is erased, mail is
// refused, the status tells the owner for two days, and nobody gets the name again.

internal import Daemon
internal import Foundation
internal import NymProtocol
internal import Spool
internal import WireFormat

extension NymserverCommands {
    /// How often it is begun anew because the account has changed meanwhile.
    private static let attempts = 16

    /// `close`: beside a running server or without one.
    /// - Parameter name: A name or an alias; or the address.
    public func close(configuration path: String, name text: String) throws {
        let settings = try NymserverSettings(configuration: path)
        let local = text.hasSuffix("@\(settings.domain)") ? String(text.dropLast(settings.domain.utf8.count + 1)) : text
        guard let name = NymName(local.lowercased()) else {
            throw CommandFailure("\(text) is no name of a nym", code: .usage)
        }
        let files = settings.files
        guard FileManager.default.fileExists(atPath: files.database) else {
            throw CommandFailure("there is no database yet in \(settings.dataDirectory)")
        }
        let keys = try files.loadKeys()
        let said: String?
        do throws(NymStoreError) {
            let store = try NymStore.open(path: files.database, key: keys.database)
            defer { store.close() }
            said = try Self.close(name, store, settings)
        } catch {
            throw CommandFailure(error.description, code: error.isTemporary ? .temporary : .failed)
        }
        guard let said else { throw CommandFailure("nobody has the name \(name) here") }
        try terminal.print(said)
    }

    private static func close(
        _ name: NymName, _ store: NymStore, _ settings: NymserverSettings
    ) throws(NymStoreError) -> String? {
        for _ in 0..<attempts {
            do throws(NymStoreError) { return try closeOnce(name, store, settings) } catch {
                guard error == .conflict else { throw error }
            }
        }
        throw .busy(path: store.path)
    }

    /// What was done, in words; nil if nobody has the name.
    private static func closeOnce(
        _ name: NymName, _ store: NymStore, _ settings: NymserverSettings
    ) throws(NymStoreError) -> String? {
        guard let id = try store.account(named: name.text) else { return nil }
        guard let stored = try store.account(id) else { throw .conflict }
        guard var account = try? NymAccount(decoding: stored.content) else { throw .damaged(path: store.path) }
        let effects = account.close(at: settings.clock.now())
        guard !effects.isEmpty else { return "the nym of \(name) is closing already" }
        var changes = NymChanges(content: account.encoded, closesOn: account.closesOn(limits: settings.limits))
        changes.wipesItems = true
        changes.isClosure = true
        try store.apply(changes, to: id, revision: stored.revision)
        return "closed the nym of \(name); all its names are refused now and given to nobody again"
    }
}
