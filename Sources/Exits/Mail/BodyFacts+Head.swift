package import Messages

extension BodyFacts {
    /// The sender's MIME fields and those without which the body would be declared as something that it is not.
    package func mimeFields(beside sender: [HeaderField]) throws(HeaderViolation) -> [HeaderField] {
        var fields = sender
        func lacks(_ field: SenderField) -> Bool { !fields.contains { $0.name == field.name } }
        if fields.isEmpty, hasEightBit {
            fields.append(try HeaderField(SenderField.contentType.name, "text/plain; charset=utf-8"))
        }
        // Without the field the encoding is 7bit (RFC 2045 section 6.1).
        if hasEightBit, lacks(.contentTransferEncoding) {
            fields.append(try HeaderField(SenderField.contentTransferEncoding.name, "8bit"))
        }
        if !fields.isEmpty, lacks(.mimeVersion) {
            fields.insert(try HeaderField(SenderField.mimeVersion.name, "1.0"), at: 0)
        }
        return fields
    }
}

extension RefusalReason {
    /// Why a mail is refused whose head cannot be written.
    package init(_ violation: HeaderViolation.Reason) {
        self =
            switch violation {
            case .tooLong, .lineTooLong: .longHeader
            case .malformedEncodedWord: .badEncodedWord
            case .unsafeName: .badDisplayName
            default: .badHeader
            }
    }
}
