import TestSupport
import Testing

@testable import DirectoryService

@Suite struct ByteBudgetTests {
    @Test func whoHoldsMostGivesWay() {
        var budget = ByteBudget<String>(most: 100)
        let first = budget.open("greedy")
        let second = budget.open("greedy")
        let modest = budget.open("modest")
        #expect(budget.add(40, to: first, mostOfHolder: 90) == .init(isTaken: true, cut: []))
        #expect(budget.add(40, to: second, mostOfHolder: 90) == .init(isTaken: true, cut: []))
        #expect(budget.add(20, to: modest, mostOfHolder: 90) == .init(isTaken: true, cut: []))
        // The older piece of the greedy one goes.
        #expect(budget.add(20, to: modest, mostOfHolder: 90) == .init(isTaken: true, cut: [first]))
        #expect(budget.bytes == 80)
        #expect(budget.add(1, to: first, mostOfHolder: 90) == .init(isTaken: false, cut: []))
        // Nobody holds more than the asker would.
        #expect(budget.add(40, to: modest, mostOfHolder: 90) == .init(isTaken: false, cut: []))
        budget.close(first)
        budget.close(second)
        budget.close(modest)
        #expect(budget.bytes == 0)
        #expect(budget.pieces == 0)
    }

    @Test func aHolderHasABoundOfHisOwn() {
        var budget = ByteBudget<Int>(most: 100)
        let pieces = [budget.open(1), budget.open(1)]
        #expect(budget.add(30, to: pieces[0], mostOfHolder: 50).isTaken)
        #expect(!budget.add(21, to: pieces[1], mostOfHolder: 50).isTaken)
        #expect(budget.add(20, to: pieces[1], mostOfHolder: 50).isTaken)
        #expect(!budget.add(.max - 50, to: pieces[1], mostOfHolder: .max).isTaken)
        #expect(budget.bytes == 50)
    }

    /// Whatever happens, no more than the bound is counted, and everything is given back.
    @Test func itNeverCountsWrong() {
        var random = SeededRandom(name: "byteBudget")
        for _ in 0..<50 {
            let most = Int.random(in: 0...1000, using: &random)
            var budget = ByteBudget<Int>(most: most)
            var open: [UInt64: Int] = [:]
            for _ in 0..<500 {
                switch Int.random(in: 0..<4, using: &random) {
                case 0: open[budget.open(Int.random(in: 0..<5, using: &random))] = 0
                case 1:
                    guard let piece = open.keys.sorted().randomElement(using: &random) else { continue }
                    budget.close(piece)
                    open[piece] = nil
                default:
                    guard let piece = open.keys.sorted().randomElement(using: &random) else { continue }
                    let count = Int.random(in: 0...300, using: &random)
                    let outcome = budget.add(count, to: piece, mostOfHolder: 600)
                    #expect(!outcome.cut.contains(piece))
                    for cut in outcome.cut { open[cut] = nil }
                    if outcome.isTaken { open[piece, default: 0] += count }
                }
                #expect(budget.bytes == open.values.reduce(0, +))
                #expect(budget.bytes <= most)
                #expect(budget.pieces == open.count)
            }
            for piece in open.keys { budget.close(piece) }
            #expect(budget.bytes == 0)
        }
    }
}
