import Directory
import Sphinx
import WireFormat

/// The parsers of what peers, operators and mails bring. The first byte of an input says which one reads the rest.
public enum ParserTarget: UInt8, CaseIterable, Sendable {
    case document
    case descriptor
    case networkFile
    case surb
    case replyInfo
    case armor
    case words

    /// Gives `input` to its parser and traps if what was read does not give the same bytes again.
    public static func run(_ input: [UInt8]) {
        guard let first = input.first, let target = ParserTarget(rawValue: first % UInt8(allCases.count)) else {
            return
        }
        target.read(Array(input.dropFirst()))
    }

    private func read(_ bytes: [UInt8]) {
        switch self {
        case .document:
            guard let items = try? Document.parse(bytes) else { return }
            precondition(Document.write(items.map(\.item)) == bytes, "a document that is not canonical was read")
        case .descriptor:
            guard let descriptor = try? UnverifiedDescriptor(bytes) else { return }
            if let verified = try? descriptor.verify(network: "testing") {
                precondition(
                    verified.bytes == bytes && !verified.fields.addresses.isEmpty, "a descriptor lost its bytes")
            }
        case .networkFile:
            guard let file = try? UnverifiedNetworkFile(bytes) else { return }
            let now = Timestamp(seconds: 1_795_242_600)
            if let verified = try? file.verify(trusted: nil, at: now) {
                let selector = PathSelector(network: verified, at: now)
                var generator = SystemRandomNumberGenerator()
                _ = try? selector.choose(.standard, demands: PathDemands(), using: &generator)
            }
        case .surb:
            guard let surb = try? SURB(bytes) else { return }
            // A time of expiry beyond what milliseconds can hold saturates; all others come back as they were.
            if surb.expiry.milliseconds != .max { precondition(surb.encoded == bytes, "a SURB changed on the way") }
        case .replyInfo:
            guard let info = try? ReplyInfo(bytes) else { return }
            precondition(info.id.bytes + info.sealedKeys + Array(info.address.utf8) == bytes, "info changed on the way")
        case .armor:
            guard let text = String(validating: bytes, as: UTF8.self) else { return }
            for kind in ArmorKind.allCases {
                for block in Armor.decode(text, kind: kind).blocks {
                    precondition(
                        Armor.decode(Armor.encode(block, kind: kind), kind: kind).blocks == [block],
                        "armor changed a block")
                }
            }
        case .words:
            guard let text = String(validating: bytes, as: UTF8.self) else { return }
            if let address = NodeAddress(text) {
                _ = address.isPublic
                precondition(NodeAddress(address.description) == address, "an address changed on the way")
            }
            if let path = try? PathSpecification(text) {
                precondition(!path.elements.isEmpty, "a path without elements")
            }
            if let time = Timestamp(text) { precondition(time.description == text, "a time changed on the way") }
            if let decoded = Base64.decode(text) {
                precondition(Base64.encode(decoded) == text, "base64 of a second spelling")
            }
            if let decoded = Hex.decode(text) {
                precondition(Hex.encode(decoded) == text, "digits of a second spelling")
            }
            if let name = Nickname(text) { precondition(name.text.utf8.count <= 24, "a long nickname") }
        }
    }

    /// Inputs of each parser to start from.
    /// - Parameter documents: the golden files of Tests/DirectoryTests.
    public static func seeds(descriptor: [UInt8], network: [UInt8]) -> [(name: String, bytes: [UInt8])] {
        let surb = [1, 0, 0, 0] + [UInt8](repeating: 1, count: Geometry.suite1.surbSize - 4)
        let block = Array(Armor.encode([UInt8](0..<100), kind: .replyBlock).utf8)
        var list: [(ParserTarget, String, [UInt8])] = [
            (.document, "descriptor", descriptor), (.document, "network", network), (.descriptor, "whole", descriptor),
            (.networkFile, "whole", network), (.surb, "whole", surb),
            (.replyInfo, "whole", [UInt8](repeating: 65, count: 270)),
            (.armor, "whole", block), (.armor, "twice", block + Array("> text\r\n".utf8) + block),
            (.document, "small", Array("a b c\nd\n-----BEGIN K-----\nAAAA\n-----END K-----\n".utf8)),
        ]
        for word in [
            "8.8.4.4:1", "[2a00:1450::8]:7", "mix.example.org", "?,*2,a,~3,{b|c}", "2026-11-21T06:30:00Z", "Zm9vYg==",
            "00ff",
        ] {
            list.append((.words, "word-\(list.count)", Array(word.utf8)))
        }
        return list.map { ("\($0.0)-\($0.1)", [$0.0.rawValue] + $0.2) }
    }
}
