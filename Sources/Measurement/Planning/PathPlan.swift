// One attempt at the path of a probe: what the probe is for is put in first, then the ends, then the places between, each
// by chance, but rather so that links are tested that were not lately.

/// A node as the planner looks at it.
struct PlanningCandidate {
    let number: UInt32
    let node: PlanningNode
    /// How often it is drawn between the ends, against others.
    let weight: Double
    let hasMailbox: Bool
    /// Whether a failed path is rather not its fault.
    let isGood: Bool
}

/// Draws a path through given places.
struct PathPlan {
    let candidates: [PlanningCandidate]
    let links: LinkLedger
    let isCompatible: (PlanningCandidate, PlanningCandidate) -> Bool
    /// Whether nodes and links that may be at fault are left out, where they are not pinned.
    var isStrict = false

    /// - Parameters:
    ///   - length: at least 3.
    ///   - pins: indices of candidates that stand at given places.
    /// - Returns: indices of candidates; nil if this draw led nowhere.
    func draw(length: Int, pins: [Int: Int], using generator: inout some RandomNumberGenerator) -> [Int]? {
        var path = [Int?](repeating: nil, count: length)
        for (place, pin) in pins {
            guard path.indices.contains(place), fits(pin, in: path) else { return nil }
            path[place] = pin
        }
        // The entry is drawn as clients draw it: what it knows of the pinger it knows anyway.
        if path[0] == nil {
            let entries = choices(for: path) { !$0.node.isAvoided && (!isStrict || $0.isGood) }
            guard let entry = pick(entries, using: &generator, by: { Double(candidates[$0].node.weight) }) else {
                return nil
            }
            path[0] = entry
        }
        // A mailbox is kept free for the end, so that the places before do not take them all.
        var reserved: Int?
        if path[length - 1] == nil {
            let ends = choices(for: path) { $0.hasMailbox && (!isStrict || $0.isGood) }
            reserved = pick(ends, using: &generator) { candidates[$0].weight }
            guard reserved != nil else { return nil }
        }
        for place in 1..<length where path[place] == nil {
            let isEnd = place == length - 1
            let others = isEnd ? path : path + [reserved]
            var choices = choices(for: others) { (!isEnd || $0.hasMailbox) && (!isStrict || $0.isGood) }
            if choices.count > PlanningSettings.maximumChoices {
                choices = sample(choices, PlanningSettings.maximumChoices, using: &generator)
            }
            guard let chosen = best(choices, at: place, in: path, using: &generator) else { return nil }
            path[place] = chosen
        }
        return path.compactMap { $0 }
    }

    private func fits(_ index: Int, in path: [Int?]) -> Bool {
        path.allSatisfy { other in
            other.map { $0 != index && isCompatible(candidates[$0], candidates[index]) } ?? true
        }
    }

    private func choices(for path: [Int?], where isAllowed: (PlanningCandidate) -> Bool) -> [Int] {
        candidates.indices.filter { isAllowed(candidates[$0]) && fits($0, in: path) }
    }

    /// The choice whose links to its neighbours are worth most to be tested: rather one that was not tested lately. Among those
    /// that were, and among those that were not, chance decides, by weight: were links taken in turn, a node could tell from
    /// the time since a neighbour's last packet that the next is no probe.
    private func best(
        _ choices: [Int], at place: Int, in path: [Int?], using generator: inout some RandomNumberGenerator
    ) -> Int? {
        let before = place > 0 ? path[place - 1] : nil
        let after = place + 1 < path.count ? path[place + 1] : nil
        var best: (index: Int, value: Double)?
        for index in choices {
            let own = candidates[index]
            var value = 0.0
            var isSuspect = false
            for (from, to) in [(before, index), (index, after)] {
                guard let from, let to else { continue }
                let link = LinkNumber(from: candidates[from].number, to: candidates[to].number)
                let reluctance = links.reluctance(link)
                if reluctance > 1 { isSuspect = true }
                let tests = min(links.tests(link), LinkLedger.enoughTests)
                value += own.weight / (tests + Exponential.draw(using: &generator)) / reluctance
            }
            guard !isStrict || !isSuspect else { continue }
            if value > best?.value ?? -1 { best = (index, value) }
        }
        return best?.index
    }

    private func pick(
        _ choices: [Int], using generator: inout some RandomNumberGenerator, by weight: (Int) -> Double
    ) -> Int? {
        let total = choices.reduce(0) { $0 + weight($1) }
        guard total > 0 else { return choices.randomElement(using: &generator) }
        var left = Double.random(in: 0..<total, using: &generator)
        for index in choices {
            left -= weight(index)
            if left < 0 { return index }
        }
        return choices.last
    }

    private func sample(_ choices: [Int], _ count: Int, using generator: inout some RandomNumberGenerator) -> [Int] {
        var choices = choices
        for place in 0..<count {
            choices.swapAt(place, Int.random(in: place..<choices.count, using: &generator))
        }
        return Array(choices.prefix(count))
    }
}
