// How times, digests and ids stand in JSON: as text, in the spelling of documents.

public import WireFormat

extension Timestamp: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let time = Timestamp(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "not a time like 2026-11-21T06:30:00Z")
        }
        self = time
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension FixedBytes {
    fileprivate static func hexadecimal(from decoder: any Decoder) throws -> Self {
        let container = try decoder.singleValueContainer()
        guard let value = Self(hex: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "not \(2 * byteCount) hexadecimal digits")
        }
        return value
    }

    fileprivate func encodeHexadecimal(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(hex)
    }
}

extension Digest: Codable {
    public init(from decoder: any Decoder) throws { self = try Self.hexadecimal(from: decoder) }
    public func encode(to encoder: any Encoder) throws { try encodeHexadecimal(to: encoder) }
}

extension NodeID: Codable {
    public init(from decoder: any Decoder) throws { self = try Self.hexadecimal(from: decoder) }
    public func encode(to encoder: any Encoder) throws { try encodeHexadecimal(to: encoder) }
}
