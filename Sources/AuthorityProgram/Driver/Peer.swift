internal import Directory
internal import DirectoryService

/// Another authority of the network.
struct Peer: Sendable {
    /// Its place in the network file.
    let index: Int
    let name: String
    let urls: [String]
    /// Where it can be asked, in the order of its URLs.
    let sources: [HTTPSource]

    /// All authorities but this one.
    static func all(_ network: NetworkFile, besides own: Int, client: DirectoryHTTPClient) -> [Peer] {
        network.authorities.enumerated().filter { $0.offset != own }.map { index, authority in
            Peer(
                index: index, name: authority.name.text, urls: authority.urls,
                sources: authority.urls.compactMap { try? HTTPSource(url: $0, client: client) })
        }
    }

    /// Asks one address after another until one answers.
    func ask<Result: Sendable>(
        _ question: (HTTPSource) async throws(FetchError) -> Result
    ) async throws(FetchError) -> Result {
        var failure = FetchError.badURL("the authority has no address")
        for source in sources {
            do throws(FetchError) { return try await question(source) } catch { failure = error }
        }
        throw failure
    }
}
