// The form of a message's record in the client's store. It is read by the same program only, so that its version is its
// whole promise: a record of another version is passed over.

internal import Messages
internal import Spool
internal import WireFormat

extension WireWriter {
    mutating func logTime(_ time: Timestamp) { integer(UInt64(bitPattern: time.milliseconds)) }

    /// Text of at most 65,535 bytes.
    mutating func logText(_ text: String) {
        let bytes = Array(text.utf8.prefix(Int(UInt16.max)))
        integer(UInt16(bytes.count))
        append(bytes)
    }

    /// At most 65,535 elements.
    mutating func logList<Element>(_ list: [Element], _ write: (inout WireWriter, Element) -> Void) {
        let list = list.prefix(Int(UInt16.max))
        integer(UInt16(list.count))
        for element in list { write(&self, element) }
    }

    mutating func logOptional<Value>(_ value: Value?, _ write: (inout WireWriter, Value) -> Void) {
        integer(UInt8(value == nil ? 0 : 1))
        if let value { write(&self, value) }
    }

    mutating func logFlag(_ flag: Bool) { integer(UInt8(flag ? 1 : 0)) }
    mutating func logRow(_ row: QueuedRow) {
        integer(UInt64(bitPattern: row.row.number))
        logTime(row.made)
    }
}

extension WireReader {
    mutating func logTime() throws(WireError) -> Timestamp {
        Timestamp(milliseconds: Int64(bitPattern: try integer(UInt64.self)))
    }

    mutating func logText() throws(WireError) -> String { try text(Int(try integer(UInt16.self))) }

    mutating func logList<Element>(_ read: (inout WireReader) throws(WireError) -> Element) throws(WireError)
        -> [Element]
    {
        var list: [Element] = []
        for _ in 0..<(try integer(UInt16.self)) { list.append(try read(&self)) }
        return list
    }

    mutating func logOptional<Value>(_ read: (inout WireReader) throws(WireError) -> Value) throws(WireError) -> Value?
    {
        try logFlag() ? try read(&self) : nil
    }

    mutating func logFlag() throws(WireError) -> Bool {
        switch try integer(UInt8.self) {
        case 0: return false
        case 1: return true
        default: throw .unknownValue
        }
    }

    mutating func logRow() throws(WireError) -> QueuedRow {
        let number = Int64(bitPattern: try integer(UInt64.self))
        return QueuedRow(row: PacketRowID(number), made: try logTime())
    }
}

extension SentMessage {
    private static let version: UInt8 = 1

    /// The record; some 200 bytes and 16 for each packet that waits.
    var encoded: [UInt8] {
        var writer = WireWriter(capacity: 256)
        writer.integer(Self.version)
        writer.fixed(id)
        writer.logText(network)
        writer.logList(recipients) { $0.logText($1) }
        writer.logTime(made)
        writer.logTime(deadline)
        writer.logFlag(isReliable)
        writer.logOptional(receiptBlock) {
            $0.fixed($1.surb)
            $0.logList($1.back) { $0.fixed($1) }
        }
        writer.logText(journey.path)
        writer.integer(UInt8(clamping: journey.copies))
        writer.logFlag(journey.isUrgent)
        writer.integer(UInt32(clamping: length))
        writer.fixed(exit)
        writer.fixed(wireID)
        writer.logList(earlierIDs) { $0.fixed($1) }
        writer.integer(stage.rawValue)
        writer.logOptional(file) { $0.append($1.encoded) }
        writer.integer(UInt32(clamping: packets))
        writer.logList(waiting) { $0.logRow($1) }
        for outcome in outcomes {
            writer.logOptional(outcome.status) { $0.integer($1.rawValue) }
            writer.integer(outcome.code)
            writer.logOptional(outcome.heard) { $0.logTime($1) }
        }
        writer.logOptional(held) {
            $0.integer(UInt32(clamping: $1.shares))
            $0.integer(UInt32(clamping: $1.needed))
        }
        return writer.bytes
    }

    /// Reads a record.
    init(decoding bytes: [UInt8]) throws(WireError) {
        var reader = WireReader(bytes)
        guard try reader.integer(UInt8.self) == Self.version else { throw .unknownValue }
        let id: MessageID = try reader.fixed()
        let network = try reader.logText()
        let recipients = try reader.logList { (reader) throws(WireError) in try reader.logText() }
        let made = try reader.logTime()
        let deadline = try reader.logTime()
        let isReliable = try reader.logFlag()
        let receiptBlock = try reader.logOptional { (reader) throws(WireError) in
            RetransmissionPlan.Block(
                surb: try reader.fixed(), back: try reader.logList { (reader) throws(WireError) in try reader.fixed() })
        }
        let path = try reader.logText()
        let copies = Int(try reader.integer(UInt8.self))
        let journey = Journey(path: path, copies: copies, isUrgent: try reader.logFlag())
        let length = Int(try reader.integer(UInt32.self))
        let exit: NodeID = try reader.fixed()
        self.init(
            id: id, network: network, recipients: recipients, made: made, deadline: deadline, isReliable: isReliable,
            receiptBlock: receiptBlock, journey: journey, length: length, exit: exit, file: nil)
        wireID = try reader.fixed()
        earlierIDs = try reader.logList { (reader) throws(WireError) in try reader.fixed() }
        guard let stage = Stage(rawValue: try reader.integer()) else { throw .unknownValue }
        self.stage = stage
        file = try reader.logOptional { (reader) throws(WireError) in
            try SealedFileReference(decoding: reader.slice(SealedFileReference.encodedSize))
        }
        packets = Int(try reader.integer(UInt32.self))
        waiting = try reader.logList { (reader) throws(WireError) in try reader.logRow() }
        for index in outcomes.indices {
            outcomes[index].status = try reader.logOptional { (reader) throws(WireError) in
                guard let status = DeliveryStatus(rawValue: try reader.integer()) else { throw .unknownValue }
                return status
            }
            outcomes[index].code = try reader.integer()
            outcomes[index].heard = try reader.logOptional { (reader) throws(WireError) in try reader.logTime() }
        }
        held = try reader.logOptional { (reader) throws(WireError) in
            Held(shares: Int(try reader.integer(UInt32.self)), needed: Int(try reader.integer(UInt32.self)))
        }
        try reader.end()
    }
}
