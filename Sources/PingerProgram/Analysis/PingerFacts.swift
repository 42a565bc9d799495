// Everything that outputs and pages are made of: plain values, so that whoever writes them reads no file, clock or network.

internal import Directory
internal import Measurement
internal import WireFormat

/// What a pinger knows at one time.
struct PingerFacts: Sendable {
    /// The pinger's name.
    var name: String
    /// Name and version of this program.
    var software: String
    /// When these were put together. The analysis may be older: `analysis.made`.
    var made: Timestamp
    /// The network's name, and whether it is one for tests.
    var network: String
    var isTest: Bool
    /// Why nothing can be said of the nodes now, and since when: a sentence in lower case without an end. Nil while the pinger
    /// sees. The analysis is then the last one that could be made, which is to be shown with its age.
    var silence: String?
    /// What else the operator should know, one sentence each, in lower case without an end.
    var problems: [String] = []
    /// Probes that have not come back after this long are lost.
    var deadline: Interval
    /// Probes older than this count for nothing; within it they lose half of their weight in `halfLife`.
    var window: Interval
    var halfLife: Interval
    /// A node with fewer decided probes than this is not measured.
    var minimumSamples: Int
    var analysis: Analysis
    /// Names of all nodes that are in the analysis, the history or the consensus; of those that have left, the last known.
    var nicknames: [NodeID: String] = [:]
    /// Flags of the nodes that the consensus lists now. A node without an entry is not listed.
    var flags: [NodeID: Set<NodeFlag>] = [:]
    /// The nodes' descriptors; not all need be here.
    var descriptors: [NodeID: Descriptor] = [:]
    /// Links that the consensus says are broken.
    var agreedBroken: Set<NodeLink> = []
    /// Results of days past and of today, oldest first, each day at most once; days without a result are left out.
    var history: [NodeID: [DayFacts]] = [:]

    /// The nodes with a name, by name and then id, those that the consensus lists first.
    var nodes: [NodeID] {
        nicknames.sorted { left, right in
            let listed = (flags[left.key] != nil, flags[right.key] != nil)
            if listed.0 != listed.1 { return listed.0 }
            let names = (left.value.lowercased(), right.value.lowercased())
            return names.0 != names.1 ? names.0 < names.1 : left.key < right.key
        }.map(\.key)
    }

    /// The name of a node, or the beginning of its id.
    func label(_ node: NodeID) -> String { nicknames[node] ?? String(node.hex.prefix(8)) }
}

/// What a node was like on one day.
struct DayFacts: Hashable, Sendable {
    /// Days since 1970-01-01 UTC.
    var day: Int
    /// `NodeResult.relay`, in thousandths; nil if it was not measured.
    var reliability, low, high: Int?
    /// Decided probes that this rests on.
    var samples: Int
    /// What it added to a packet's journey.
    var latency: Interval?
    /// Which part of the probes over it arrived within ten minutes, an hour, six hours and a day, in thousandths.
    var tenMinutes, hour, sixHours, wholeDay: Int?
    /// Connections and test mails of that day.
    var handshakes = Share()
    var deliveries = Share()
}
