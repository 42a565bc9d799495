// Fields that several formats of nyms have.

internal import MixCrypto
internal import WireFormat

extension WireWriter {
    /// length u8 | text
    mutating func name(_ name: NymName) { short(name.text) }

    /// length u8 | UTF-8; the caller has bounded it.
    mutating func short(_ text: String) {
        integer(UInt8(clamping: text.utf8.count))
        append(text.utf8.prefix(Int(UInt8.max)))
    }

    /// length u16 | UTF-8; the caller has bounded it.
    mutating func text(_ text: String) {
        integer(UInt16(clamping: text.utf8.count))
        append(text.utf8.prefix(Int(UInt16.max)))
    }

    /// ms u64, never before 1970.
    mutating func time(_ time: Timestamp) { integer(UInt64(max(0, time.milliseconds))) }
}

extension WireReader {
    mutating func name() throws -> NymName {
        guard let name = NymName(try short()) else { throw WireError.unknownValue }
        return name
    }

    mutating func short() throws -> String { try text(Int(try integer(UInt8.self))) }

    mutating func text() throws -> String { try text(Int(try integer(UInt16.self))) }

    mutating func time() throws -> Timestamp {
        guard let milliseconds = Int64(exactly: try integer(UInt64.self)) else { throw WireError.unknownValue }
        return Timestamp(milliseconds: milliseconds)
    }

    mutating func verificationKey() throws -> VerificationKey { try VerificationKey(try slice(32)) }

    mutating func sealingKey() throws -> KEMPublicKey { try KEMPublicKey(try slice(KEM.publicKeySize)) }

    mutating func packetClass() throws -> NymClass {
        guard let value = NymClass(rawValue: try integer()) else { throw WireError.unknownValue }
        return value
    }
}

/// Runs a decoder; whatever it throws that is no `NymError` is `malformed`.
func decoding<Value>(_ body: () throws -> Value) throws(NymError) -> Value {
    do {
        return try body()
    } catch let error as NymError {
        throw error
    } catch {
        throw .malformed
    }
}

/// Whether people may see `text` as one line: no control character, nothing that turns or hides text.
func isPlainLine(_ text: String) -> Bool {
    text.unicodeScalars.allSatisfy { scalar in
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse: false
        default: true
        }
    }
}
