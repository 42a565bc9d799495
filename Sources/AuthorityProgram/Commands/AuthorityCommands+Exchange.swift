// `import`, `publish`, `fetch`: documents of the others, from files or over HTTP, without the running authority.

internal import Daemon
internal import Directory
internal import DirectoryService

extension AuthorityCommands {
    /// `import`: checks and keeps documents from files. A file may hold several descriptors.
    public func importDocuments(_ files: [String], configuration: String) async throws {
        guard !files.isEmpty else {
            throw CommandFailure(
                "no files; name votes, proposals, signatures, descriptors or a consensus", code: .usage)
        }
        let work = try SlotByHand(configuration: configuration, slot: nil)
        defer { work.close() }
        var worst: CommandFailure?
        for file in files {
            do throws(CommandFailure) {
                let bytes = try AtomicFile.read(file, limit: DescriptorBundle.maximumSize)
                let pieces = Self.isBundle(bytes) ? DescriptorBundle.split(bytes).map(Array.init) : [bytes]
                for piece in pieces { try await take(piece, of: file, work) }
            } catch {
                terminal.message(error.message)
                worst = error
            }
        }
        if let worst { throw CommandFailure("not everything was taken", code: worst.code) }
    }

    private func take(_ bytes: [UInt8], of file: String, _ work: SlotByHand) async throws(CommandFailure) {
        do {
            tell(try await work.take(bytes))
        } catch {
            let failure = CommandFailure(wrapping: error)
            throw CommandFailure("\(file): \(failure.message)", code: failure.code)
        }
    }

    private func tell(_ imported: Imported) {
        terminal.message(imported.what + (imported.isNew ? "" : " was here already"))
        if let warning = imported.warning { terminal.message("warning: \(warning)") }
    }

    private static func isBundle(_ bytes: [UInt8]) -> Bool {
        bytes.starts(with: Array("\(DocumentKind.descriptor.rawValue) ".utf8))
    }

    /// `publish`: hands what this authority made for a slot to all others.
    public func publish(_ choice: SlotChoice) async throws {
        let work = try choice.open()
        defer { work.close() }
        let own = try work.ownDocuments()
        guard !own.isEmpty else {
            throw CommandFailure("this authority has made nothing for slot \(work.slot) yet; begin with `vote`")
        }
        let client = DirectoryHTTPClient()
        let sender = PeerSender(client: client)
        var failed = 0
        for peer in Peer.all(work.network, besides: work.parts.own, client: client) {
            for document in own {
                let outcome = await sender.post(document.bytes, as: document.upload, to: peer.urls)
                var words: String
                switch outcome {
                case .accepted: words = "has it"
                case .refused(let reason): words = "refuses it: \(reason)"
                case .busy: words = "is busy; try again"
                case .unreachable(let error): words = "not reached: \(error)"
                }
                if outcome != .accepted { failed += 1 }
                terminal.message("\(peer.name): \(document.upload.rawValue.dropLast()): \(words)")
            }
        }
        if failed > 0 { throw CommandFailure("not everybody has everything", code: .temporary) }
    }

    /// `fetch`: gets what the others have for a slot, and their newest consensus.
    public func fetch(_ choice: SlotChoice) async throws {
        let work = try choice.open()
        defer { work.close() }
        let client = DirectoryHTTPClient()
        var answered = 0
        for peer in Peer.all(work.network, besides: work.parts.own, client: client) {
            do throws(FetchError) {
                let news = try await work.pull(from: peer)
                answered += 1
                terminal.message("\(peer.name): \(news.isEmpty ? "nothing new" : news.joined(separator: ", "))")
            } catch {
                terminal.message("\(peer.name): \(error)")
                // An authority that has no consensus yet may have the rest.
                if error == .notFound { answered += 1 }
            }
        }
        if answered == 0 { throw CommandFailure("no other authority answered", code: .temporary) }
    }
}
