import Directory
import Foundation
import Messages
import Mixing
import Sphinx
import TestSupport
import Testing
import WireFormat

@testable import NodeProgram

/// Reply blocks over weeks, with the key rings of nodes and a clock that the test sets.
@Suite("Old reply blocks")
struct OldReplyBlockTests {
    static let period = KeyPeriodCalendar.origin + .days(7) * 2922

    /// Made on a period's first moment, in its midst, and in its last hour.
    static let moments: [Interval] = [.zero, .hours(83), .days(7) - .hours(1)]

    @Test(
        "after 13 days a block still works, directly and through a crossover; on day 22 it is refused",
        arguments: moments)
    func ages(offset: Interval) throws {
        let net = try KeyRingNetwork(nodes: 7, at: Self.period + offset, name: "old blocks, \(offset.shortText)")
        let made = net.now
        let period = try #require(net.parameters.calendar.period(at: made))
        let surbs = try (0..<4).map { _ in try net.surb() }
        #expect(surbs.allSatisfy { $0.expiry > made + .days(13) })

        try net.advance(.days(13))
        #expect(try #require(net.parameters.calendar.period(at: net.now)) > period)
        let content = try PayloadContent.part(net.part(.full)).encoded()
        for surb in surbs[..<2] {
            let (flight, end) = try net.fly(surb.makePacket(content: content, at: net.now), first: surb.first)
            #expect(flight.packets.count == 5)
            guard case .part = try net.open(end) else {
                Issue.record("no part")
                continue
            }
        }
        for surb in surbs[2...] {
            // The way to the crossover has today's keys, the way behind it those of 13 days ago.
            let request = try net.forward(net.injection(surb))
            let sent = try net.crossover(net.fly(request.packet, first: request.first).end)
            #expect(request.packet[2..<4] != sent.packet[2..<4])
            guard case .sealed = try net.open(net.fly(sent.packet, first: sent.first).end) else {
                Issue.record("nothing sealed")
                continue
            }
        }
        let late = try surbs[0].makePacket(content: content, at: net.now)

        try net.set(made + .days(22))
        for surb in surbs {
            #expect(throws: SURBError.expired(surb.expiry)) {
                _ = try surb.makePacket(content: content, at: net.now)
            }
        }
        // No node could open what was made before: the keys are gone, in memory and on disk.
        #expect(net.changes.destroyed.count(where: { $0 == period }) == net.nodes.count)
        for node in net.nodes {
            #expect(!node.ring.current.periods.contains(period))
            #expect(!FileManager.default.fileExists(atPath: "\(node.files.packetKeys)/\(period.number).key"))
        }
        #expect(throws: UnwrapFailure.unknownPeriod) { _ = try net.fly(late, first: surbs[0].first) }
    }

    @Test("the last moment before a block expires is soon enough for its keys, the next is refused")
    func edge() throws {
        let net = try KeyRingNetwork(nodes: 5, at: Self.period + .days(3), name: "the last moment of a block")
        let surb = try net.surb()
        let content = try PayloadContent.part(net.part(.full)).encoded()
        let last = surb.expiry - .milliseconds(1)
        try net.set(last)
        let packet = try surb.makePacket(content: content, at: last)
        _ = try net.open(net.fly(packet, first: surb.first).end)
        #expect(throws: SURBError.expired(surb.expiry)) { _ = try surb.makePacket(content: content, at: surb.expiry) }
        try net.set(surb.expiry)
        #expect(throws: UnwrapFailure.unknownPeriod) { _ = try net.fly(packet, first: surb.first) }
    }
}
