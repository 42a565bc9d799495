// Requests as they wait for their results: encoded, sealed, one file each, as reply blocks and mails are too large for
// records.

internal import Daemon
internal import Messages
internal import NymProtocol
internal import Spool
internal import WireFormat

/// The directory of requests.
struct NymRequestFiles: Sendable {
    private let places: ClientPlaces

    /// Files that no state names are deleted when they are so old (real time): another process may be writing one.
    private static let orphanAge = Interval.hours(1)

    init(_ places: ClientPlaces) { self.places = places }

    private func folder() throws -> SealedFolder {
        _ = try PrivateDirectory(places.data)
        return try SealedFolder(PrivateDirectory(places.nyms).path)
    }

    /// Writes a request down.
    func write(_ request: NymRequest) throws -> SealedFileReference {
        let folder = try folder()
        do throws(SpoolError) {
            var writer = try folder.makeFile()
            try writer.append(request.encoded)
            return folder.reference(try writer.finish())
        } catch {
            throw error.isDiskFull ? SendError.diskFull : error
        }
    }

    /// Reads it again.
    func read(_ file: SealedFileReference) throws -> NymRequest {
        var reader = try folder().open(file)
        return try NymRequest(decoding: reader.rest()[...])
    }

    /// Erases a request that has its result, and the message that carried it.
    func remove(_ request: NymState.Waiting, log: SentLog) throws {
        try? folder().remove(request.file.name)
        guard let id = request.message else { return }
        for message in try log.forget([id]) {
            if let file = message.file { try Outbox(places).remove(file) }
        }
    }

    /// Deletes what no state names.
    func clean(_ book: NymBook) throws {
        guard ClientPlaces.isThere(places.nyms) else { return }
        let states = try book.records.all(.nymStates).compactMap { try? NymState(decoding: $0.value) }
        let named = Set(states.flatMap(\.waiting).map(\.file.name))
        let folder = try folder()
        for name in try folder.names(olderThan: Self.orphanAge) where !named.contains(name) { try folder.remove(name) }
    }
}

extension ClientPlaces {
    /// Sealed requests to nymservers.
    var nyms: String { "\(data)/nyms" }
}
