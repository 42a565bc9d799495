// Network files on disk, read with words for whoever named the wrong one.

internal import Daemon
internal import Directory
internal import WireFormat

/// Reads network files and drafts.
enum NetworkDocument {
    /// A draft, or a network file whose signatures are not checked.
    static func unverified(_ path: String) throws(CommandFailure) -> UnverifiedNetworkFile {
        let bytes = try AtomicFile.read(path, limit: NetworkFile.maximumSize)
        do throws(DocumentError) { return try UnverifiedNetworkFile(bytes) } catch {
            throw CommandFailure("\(path) is not a network file: \(error)")
        }
    }

    /// A network file that a quorum of its own authorities signed.
    static func installed(_ path: String) throws(CommandFailure) -> NetworkFile {
        let file = try unverified(path)
        do throws(NetworkFileError) { return try file.verify() } catch { throw refusal(path, error) }
    }

    static func refusal(_ path: String, _ error: NetworkFileError) -> CommandFailure {
        CommandFailure("\(path): \(error)", code: .refused)
    }

    /// Whether `text` can be the name of a network.
    static func isName(_ text: String) -> Bool {
        (1...32).contains(text.utf8.count)
            && text.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
    }

    static func urlAdvice(_ text: String) -> String {
        "'\(text)' is not an address such as https://alice.example.org, without a slash at the end"
    }
}
