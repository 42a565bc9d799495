internal import Directory
internal import DirectoryService
internal import WireFormat

/// Gives descriptors to authorities by HTTP.
struct DescriptorUpload: Sendable {
    private let sender: PeerSender
    /// How many times faster than real time the network's clock runs: authorities name pauses in real time.
    private let scale: Double

    init(client: DirectoryHTTPClient, scale: Double) {
        sender = PeerSender(client: client)
        self.scale = scale
    }

    func callAsFunction(_ authority: Authority, _ descriptor: [UInt8]) async -> PublicationOutcome {
        PublicationOutcome(await sender.post(descriptor, as: .descriptor, to: authority.urls), scale: scale)
    }
}
