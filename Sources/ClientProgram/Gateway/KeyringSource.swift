internal import Daemon
internal import Directory
internal import Spool

/// The keyring of a gateway: opened once, at the start, as nobody is there to type a passphrase later. If there was none
/// then, it is looked for again.
struct KeyringSource: Sendable {
    let client: Client
    let records: RecordStore
    let opened: Keyring?

    func open() throws -> Keyring {
        guard let opened else { return try Keyring.open(client, passphrase: .none) }
        try opened.refresh()
        return opened
    }

    /// Our nyms; none without a keyring.
    func nyms() throws -> [OwnNym] { ClientPlaces.isThere(client.places.keyring) ? try open().nyms() : [] }

    /// Addresses of our nyms in the network, aliases included.
    func nymAddresses(network: String?) throws -> [String] {
        guard ClientPlaces.isThere(client.places.keyring) else { return [] }
        let wanted = try? client.network(network).name
        return try client.nymAddresses(network: wanted, keyring: try open(), book: NymBook(records))
    }
}
