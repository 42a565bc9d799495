internal import Daemon
internal import Foundation
internal import Spool

extension NymserverFiles {
    /// Opens the database of a domain, or makes one with a key that was never used: numbers of requests are in the database
    /// alone, so that with a second one everything that was ever sealed to the key would be executed again.
    func openStore(_ keys: NymserverKeys, domain: String) throws(CommandFailure) -> NymStore {
        let manager = FileManager.default
        guard manager.fileExists(atPath: database) || manager.fileExists(atPath: unusedKey) else {
            throw CommandFailure(
                """
                \(database) is not there, but \(key) was used with one: whoever kept requests could have them executed again. \
                Put the database back, or move \(key) away, run `nightjar-nymserver init`, and give the new \(publicKey) to \
                the exits
                """)
        }
        do throws(NymStoreError) {
            let store = try NymStore.open(path: database, key: keys.database)
            let owner = try store.belongs(to: domain)
            guard owner == domain else {
                store.close()
                throw NymStoreError.other(
                    """
                    it belongs to the domain \(owner), and the configuration says \(domain); put the domain back, or name \
                    another data-directory
                    """)
            }
            try? AtomicFile.remove(unusedKey)
            guard !manager.fileExists(atPath: unusedKey) else {
                store.close()
                throw NymStoreError.other("cannot remove \(unusedKey); see to its owner and its rights")
            }
            return store
        } catch {
            throw CommandFailure("\(error)", code: error.isTemporary ? .temporary : .failed)
        }
    }
}
