internal import Directory
internal import DirectoryService
internal import WireFormat

/// Gives descriptors to authorities by HTTP, each after the statement of opt-outs that it names: so that whoever reads the
/// descriptor finds it.
struct DescriptorUpload: Sendable {
    private let sender: PeerSender
    /// How many times faster than real time the network's clock runs: authorities name pauses in real time.
    private let scale: Double
    private let statement: @Sendable () -> OptOutStatement?

    init(
        client: DirectoryHTTPClient, scale: Double, statement: @escaping @Sendable () -> OptOutStatement? = { nil }
    ) {
        sender = PeerSender(client: client)
        self.scale = scale
        self.statement = statement
    }

    func callAsFunction(_ authority: Authority, _ descriptor: [UInt8]) async -> PublicationOutcome {
        guard let statement = statement() else {
            return PublicationOutcome(await post(descriptor, .descriptor, to: authority), scale: scale)
        }
        let first = await post(statement.bytes, .optOuts, to: authority)
        // The node must be known also where its statement is not taken.
        let taken = await post(descriptor, .descriptor, to: authority)
        guard taken == .accepted, first != .accepted else { return PublicationOutcome(taken, scale: scale) }
        // An authority takes statements of nodes that it knows: of a new one only now.
        return PublicationOutcome(await post(statement.bytes, .optOuts, to: authority), scale: scale)
    }

    private func post(_ bytes: [UInt8], _ kind: DirectoryUpload, to authority: Authority) async -> PeerOutcome {
        await sender.post(bytes, as: kind, to: authority.urls)
    }
}
