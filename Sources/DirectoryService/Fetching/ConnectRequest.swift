// The head of an HTTP CONNECT request, as our own HTTP client sends it to `SOCKSRelay`. Nobody else's is understood.

/// A request to be connected.
struct ConnectRequest: Hashable {
    /// Most bytes of the head.
    static let longest = 8192

    let host: String
    let port: Int
    /// The value of the field `proxy-authorization`, empty without one.
    let authorization: String

    enum Failure: Error { case malformed }

    /// Reads a head that ends with an empty line; nil if it has not ended yet.
    static func read(_ bytes: [UInt8]) throws(Failure) -> ConnectRequest? {
        guard bytes.count <= longest else { throw .malformed }
        guard bytes.suffix(4) == [13, 10, 13, 10] else { return nil }
        let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
        guard let words = lines.first?.split(separator: " "), words.count == 3, words[0] == "CONNECT",
            let place = DirectoryURL.hostAndPort(words[1]), let port = place.port
        else { throw .malformed }
        var authorization = ""
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { throw .malformed }
            if line[..<colon].lowercased() == "proxy-authorization" {
                authorization = String(line[line.index(after: colon)...].drop { $0 == " " })
            }
        }
        return ConnectRequest(host: place.host, port: port, authorization: authorization)
    }
}
