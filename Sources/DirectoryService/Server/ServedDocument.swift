// One answer of the directory's server. Its bytes are held once, however many peers they are being sent to.

internal import MixCrypto
internal import NIOCore
public import WireFormat

/// Bytes to serve, and what a peer is told of them.
public struct ServedDocument: Sendable {
    /// What the bytes are.
    public enum Kind: Sendable, Hashable {
        /// A signed document, or a list: text.
        case document
        case html
        case json
        case svg
        case png
    }

    /// How long a cache may keep it.
    public enum Lifetime: Sendable, Hashable {
        /// The same name never gets other bytes: documents by digest.
        case forever
        /// May be a minute old: the latest consensus.
        case brief
        /// Must be asked for each time: pages.
        case none
    }

    let body: ByteBuffer
    let kind: Kind
    let lifetime: Lifetime
    let tag: String

    /// Bytes to serve. `tag` names what they say: the digest of a document. Bytes of one tag may differ only in what a
    /// reader need not fetch again, such as further signatures. Without a tag it is the SHA-256 of the bytes. Making
    /// a value copies the bytes: keep it, if it is large and asked for often.
    public init(_ bytes: [UInt8], _ kind: Kind = .document, tag: Digest? = nil, lifetime: Lifetime = .brief) {
        body = ByteBuffer(bytes: bytes)
        self.kind = kind
        self.lifetime = lifetime
        self.tag = (tag ?? Digest.sha256(bytes)).hex
    }

    /// Number of bytes, not compressed.
    public var count: Int { body.readableBytes }
    /// The bytes, not compressed.
    public var bytes: [UInt8] { Array(body.readableBytesView) }
}
