internal import WireFormat

/// The shares of arrivals by time, of all loops and replies and of those with each node between the ends of the
/// path: in the other roles it can tell them.
struct ArrivalCurves {
    private(set) var all: ArrivalShares?
    private(set) var nodes: [ArrivalShares?]

    init(_ table: ProbeTable, _ observations: Observations, _ settings: EstimationSettings) {
        var curves = Array(repeating: KaplanMeier(), count: table.nodes.count)
        var whole = KaplanMeier()
        let deadline = settings.deadline.milliseconds
        let usefulSlack = settings.usefulSlack.milliseconds
        for place in observations.rows.indices {
            let row = observations.rows[place]
            let weight = Double(observations.weights[place])
            let age = Int64(table.age[Int(row)])
            let slack = Int64(table.slack[Int(row)])
            var isEvent = false
            var time = deadline
            switch observations.verdicts[place] {
            case Observations.Verdict.arrived:
                isEvent = slack <= usefulSlack
                // It came within the slack before. If that is too long to say when, all that is known is that it was
                // not there before.
                time = isEvent ? min(age, deadline) : age - slack
            case Observations.Verdict.missing: time = age
            default: break
            }
            for hop in table.interior(row) {
                curves[Int(hop)].add(milliseconds: time, weight: weight, arrived: isEvent)
            }
            whole.add(milliseconds: time, weight: weight, arrived: isEvent)
        }
        nodes = curves.map(\.shares)
        all = whole.shares
    }
}
