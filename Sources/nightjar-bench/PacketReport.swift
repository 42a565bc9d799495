/// What the packet bench found, as a table for people and JSON for programs.
struct PacketReport: Encodable {
    struct Operation: Encodable {
        var bestMicroseconds: Double
        var medianMicroseconds: Double
        /// Median of the sum of the primitives' times.
        var primitivesMicroseconds: Double
        var ratioToPrimitives: Double
    }

    struct Cost: Encodable {
        var best: Double
        var median: Double
    }

    var operations: [String: Operation]
    var primitives: [String: Cost]

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// One object with a member for each operation and one, `primitives`, for all primitives.
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        for (name, operation) in operations { try container.encode(operation, forKey: Key(stringValue: name)) }
        try container.encode(primitives, forKey: Key(stringValue: "primitives"))
    }

    var table: String {
        func left(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(0, width - text.count))
        }
        func right(_ value: Double, _ width: Int, digits: Double = 10) -> String {
            let text = String((value * digits).rounded() / digits)
            return String(repeating: " ", count: max(0, width - text.count)) + text
        }
        var lines = ["microseconds, one core                 best    median  primitives     ratio"]
        for name in PacketBench.operationNames {
            guard let found = operations[name] else { continue }
            lines.append(
                left(name, 33) + right(found.bestMicroseconds, 10) + right(found.medianMicroseconds, 10)
                    + right(found.primitivesMicroseconds, 12) + right(found.ratioToPrimitives, 10, digits: 1000))
        }
        lines.append("")
        for primitive in Primitive.allCases {
            guard let found = primitives[primitive.rawValue] else { continue }
            lines.append(
                left(primitive.rawValue, 33) + right(found.best, 10, digits: 100) + right(found.median, 10, digits: 100)
            )
        }
        return lines.joined(separator: "\n")
    }
}
