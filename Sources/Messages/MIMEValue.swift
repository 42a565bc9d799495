// The structured values of Content-Type and Content-Disposition: a token, perhaps a subtype, and parameters.

/// Checks values of MIME's structured fields (RFC 2045 section 5.1, RFC 2183 section 2).
enum MIMEValue {
    /// Whether `value` is `token["/"token] *(";" token "=" (token / quoted-string))`; a last semicolon is let pass, as
    /// many mail programs write one. Comments are refused.
    static func isWellFormed(_ value: String, withSubtype: Bool) -> Bool {
        var scanner = Scanner(bytes: Array(value.utf8))
        guard scanner.token() else { return false }
        if withSubtype {
            guard scanner.take(0x2F), scanner.token() else { return false }
        }
        scanner.spaces()
        while scanner.take(0x3B) {
            scanner.spaces()
            if scanner.isAtEnd { return true }
            guard scanner.token(), scanner.take(0x3D), scanner.token() || scanner.quotedString() else { return false }
            scanner.spaces()
        }
        return scanner.isAtEnd
    }

    private struct Scanner {
        let bytes: [UInt8]
        var position = 0
        /// Characters that end a token (RFC 2045 section 5.1, tspecials).
        static let special = Array("()<>@,;:\\\"/[]?=".utf8)

        var isAtEnd: Bool { position == bytes.count }

        mutating func take(_ byte: UInt8) -> Bool {
            guard !isAtEnd, bytes[position] == byte else { return false }
            position += 1
            return true
        }

        mutating func spaces() { while take(0x20) {} }

        mutating func token() -> Bool {
            let start = position
            while !isAtEnd, bytes[position] > 0x20, bytes[position] < 0x7F, !Self.special.contains(bytes[position]) {
                position += 1
            }
            return position > start
        }

        mutating func quotedString() -> Bool {
            guard take(0x22) else { return false }
            while !isAtEnd {
                if take(0x22) { return true }
                if take(0x5C), isAtEnd { return false }
                position += 1
            }
            return false
        }
    }
}
