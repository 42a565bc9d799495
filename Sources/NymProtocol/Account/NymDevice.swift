internal import WireFormat

/// What an account knows of one device: which of its requests were executed, and the results that it has not seen.
///
///     id u64 | highest u64 | executed u64 | results seen u64 | count u8 | results
public struct NymDevice: Hashable, Sendable {
    public let id: UInt64
    /// The highest number that was executed.
    private(set) var highest: UInt64 = 0
    /// Bit i: number `highest - i` was executed.
    private(set) var executed: UInt64 = 0
    private(set) var resultsSeen: UInt64 = 0
    /// Ascending by number.
    private(set) var results: [NymResult] = []

    init(id: UInt64) { self.id = id }

    /// Whether a request with this number is to be executed: it is new, and not older than the window.
    mutating func takes(_ number: UInt64) -> Bool {
        if number > highest {
            let step = number - highest
            executed = step < 64 ? executed << step : 0
            executed |= 1
            highest = number
            return true
        }
        let age = highest - number
        guard age < NymRequest.window, executed & (1 << age) == 0 else { return false }
        executed |= 1 << age
        return true
    }

    /// Forgets results up to this number.
    mutating func saw(_ number: UInt64) {
        resultsSeen = max(resultsSeen, number)
        results.removeAll { $0.number <= resultsSeen }
    }

    mutating func keep(_ result: NymResult) {
        let place = results.firstIndex { $0.number > result.number } ?? results.count
        results.insert(result, at: place)
        // The device has no more on their way.
        if results.count > Int(NymRequest.window) { results.removeFirst() }
    }

    func write(to writer: inout WireWriter) {
        writer.integer(id)
        writer.integer(highest)
        writer.integer(executed)
        writer.integer(resultsSeen)
        writer.integer(UInt8(results.count))
        for result in results { result.write(to: &writer) }
    }

    init(from reader: inout WireReader) throws {
        id = try reader.integer()
        highest = try reader.integer()
        executed = try reader.integer()
        resultsSeen = try reader.integer()
        let count = try reader.integer(UInt8.self)
        guard count <= NymRequest.window else { throw WireError.unknownValue }
        for _ in 0..<count { results.append(try NymResult(from: &reader)) }
        guard zip(results, results.dropFirst()).allSatisfy({ $0.number < $1.number }) else {
            throw WireError.unknownValue
        }
    }
}
