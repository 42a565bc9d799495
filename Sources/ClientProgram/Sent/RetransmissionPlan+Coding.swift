// The form of a plan's record: nodes once, in a table, as a message of hundreds of packets passes the same few.

internal import Messages
internal import Spool
internal import WireFormat

extension RetransmissionPlan {
    private static let version: UInt8 = 1

    /// Gives each node a number.
    private struct NodeTable {
        var nodes: [NodeID] = []
        private var numbers: [NodeID: UInt16] = [:]

        mutating func number(_ node: NodeID) -> UInt16 {
            if let number = numbers[node] { return number }
            // Networks are far smaller than 65,536 nodes, and more do not come into one plan.
            let number = UInt16(clamping: nodes.count)
            nodes.append(node)
            numbers[node] = number
            return number
        }

        func node(_ number: UInt16) throws(WireError) -> NodeID {
            guard nodes.indices.contains(Int(number)) else { throw .unknownValue }
            return nodes[Int(number)]
        }
    }

    /// The record; some 40 bytes for each packet.
    var encoded: [UInt8] {
        var table = NodeTable()
        var body = WireWriter(capacity: 128 + packets * 48)
        func path(_ path: [NodeID], _ writer: inout WireWriter) {
            writer.logList(path.map { table.number($0) }) { $0.integer($1) }
        }
        func state(_ row: QueuedRow?, _ left: Timestamp?, _ fate: Fate, _ writer: inout WireWriter) {
            writer.logOptional(row) { $0.logRow($1) }
            writer.logOptional(left) { $0.logTime($1) }
            writer.integer(fate.rawValue)
        }
        body.logOptional(receipt) {
            $0.fixed($1.surb)
            path($1.back, &$0)
        }
        body.logList(shipments) {
            $0.integer(UInt16(clamping: $1.group))
            $0.integer(UInt8(clamping: $1.index))
            path($1.path, &$0)
            state($1.row, $1.left, $1.fate, &$0)
        }
        body.logList(questions) {
            $0.fixed($1.surb)
            path($1.forward, &$0)
            path($1.back, &$0)
            state($1.row, $1.left, $1.fate, &$0)
        }
        var writer = WireWriter(capacity: body.bytes.count + table.nodes.count * 32 + 256)
        writer.integer(Self.version)
        writer.integer(UInt32(clamping: layout.messageLength))
        writer.fixed(exit)
        writer.logTime(began)
        writer.logTime(deadline)
        writer.logFlag(mayChangeExit)
        writer.integer(UInt16(clamping: round))
        writer.logOptional(due) { $0.logTime($1) }
        writer.logFlag(hasAsked)
        writer.logFlag(hasNews)
        writer.logOptional(heard) { $0.logTime($1) }
        for indices in held { writer.logList(indices.sorted()) { $0.integer(UInt8(clamping: $1)) } }
        writer.logFlag(isComplete)
        writer.logList(table.nodes) { $0.fixed($1) }
        writer.append(body.bytes)
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(WireError) {
        var reader = WireReader(bytes)
        guard try reader.integer(UInt8.self) == Self.version else { throw .unknownValue }
        let length = Int(try reader.integer(UInt32.self))
        guard let layout = try? PartLayout(messageLength: length) else { throw .unknownValue }
        let exit: NodeID = try reader.fixed()
        let began = try reader.logTime()
        let deadline = try reader.logTime()
        let mayChangeExit = try reader.logFlag()
        let round = Int(try reader.integer(UInt16.self))
        let due = try reader.logOptional { (reader) throws(WireError) in try reader.logTime() }
        let hasAsked = try reader.logFlag()
        let hasNews = try reader.logFlag()
        let heard = try reader.logOptional { (reader) throws(WireError) in try reader.logTime() }
        var held: [Set<Int>] = []
        for _ in 0..<layout.groups {
            held.append(
                Set(try reader.logList { (reader) throws(WireError) in Int(try reader.integer(UInt8.self)) }))
        }
        let isComplete = try reader.logFlag()
        var table = NodeTable()
        table.nodes = try reader.logList { (reader) throws(WireError) in try reader.fixed() }

        func path(_ reader: inout WireReader) throws(WireError) -> [NodeID] {
            try reader.logList { (reader) throws(WireError) in try table.node(reader.integer()) }
        }
        func fate(_ reader: inout WireReader) throws(WireError) -> Fate {
            guard let fate = Fate(rawValue: try reader.integer()) else { throw .unknownValue }
            return fate
        }
        let receipt = try reader.logOptional { (reader) throws(WireError) in
            Block(surb: try reader.fixed(), back: try path(&reader))
        }
        self.init(
            layout: layout, exit: exit, began: began, deadline: deadline, mayChangeExit: mayChangeExit,
            receipt: receipt)
        shipments = try reader.logList { (reader) throws(WireError) in
            Shipment(
                group: Int(try reader.integer(UInt16.self)), index: Int(try reader.integer(UInt8.self)),
                path: try path(&reader),
                row: try reader.logOptional { (reader) throws(WireError) in try reader.logRow() },
                left: try reader.logOptional { (reader) throws(WireError) in try reader.logTime() },
                fate: try fate(&reader))
        }
        questions = try reader.logList { (reader) throws(WireError) in
            Question(
                surb: try reader.fixed(), forward: try path(&reader), back: try path(&reader),
                row: try reader.logOptional { (reader) throws(WireError) in try reader.logRow() },
                left: try reader.logOptional { (reader) throws(WireError) in try reader.logTime() },
                fate: try fate(&reader))
        }
        try reader.end()
        self.round = round
        self.due = due
        self.hasAsked = hasAsked
        self.hasNews = hasNews
        self.heard = heard
        self.held = held
        self.isComplete = isComplete
    }
}
