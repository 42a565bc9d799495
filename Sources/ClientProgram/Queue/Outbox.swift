// Messages that wait to be made into packets, or that may have to be made into packets again: encoded, sealed, one file
// each. Their keys are in the log's records, so that forgetting the record erases the file, too.

internal import Daemon
internal import Directory
internal import Messages
internal import Spool
internal import WireFormat

/// The directory of messages that may be needed again.
struct Outbox: Sendable {
    private let folder: SealedFolder

    /// Files that no record names are deleted when they are so old (real time): another process may be writing one.
    static let orphanAge = Interval.hours(1)

    init(_ places: ClientPlaces) throws {
        _ = try PrivateDirectory(places.data)
        folder = try SealedFolder(PrivateDirectory(places.outbox).path)
    }

    /// Writes an encoded message down.
    /// - Throws: `EnvelopeError`, `MessageError`, `SendError.diskFull`, `SpoolError`.
    func write(
        _ message: ComposedMessage, receiptBlock: [UInt8]?, limit: Int
    ) throws -> SealedFileReference {
        let envelope = try Envelope(
            recipients: message.recipients, bodyKind: message.bodyKind, fields: message.fields,
            receiptBlock: receiptBlock, replyBlocks: message.replyBlocks)
        do {
            var writer = try folder.makeFile()
            try MessageEncoder.write(envelope, body: message.body, limit: limit) { try writer.append($0) }
            return folder.reference(try writer.finish())
        } catch let error as SpoolError {
            throw error.isDiskFull ? SendError.diskFull : error
        }
    }

    /// An open message, cut into groups.
    struct Source {
        private let cut: MessageCut
        private let reader: SealedFileReader
        var layout: PartLayout { cut.layout }

        fileprivate init(cut: MessageCut, reader: SealedFileReader) {
            self.cut = cut
            self.reader = reader
        }

        /// All parts of a group; 87 of them, 2.2 MB, at most.
        func parts(ofGroup number: Int) throws -> [Part] {
            guard let group = layout.group(number) else { return [] }
            return cut.parts(of: group, data: try reader.bytes(at: group.offset, count: group.length))
        }
    }

    /// Opens a message under its name on the wire.
    func open(_ file: SealedFileReference, as id: MessageID) throws -> Source {
        Source(
            cut: MessageCut(id: id, layout: try PartLayout(messageLength: file.length)), reader: try folder.open(file))
    }

    /// Erases a message. What cannot be deleted now is deleted as an orphan; without its record nobody can read it.
    func remove(_ file: SealedFileReference) { try? folder.remove(file.name) }

    /// Deletes what no record names.
    func clean(keeping messages: [SentMessage]) throws {
        let named = Set(messages.compactMap(\.file?.name))
        for name in try folder.names(olderThan: Self.orphanAge) where !named.contains(name) { try folder.remove(name) }
    }
}
