// What the background client tells of itself: little, and what its user should know.

import Directory
import Foundation
import MMTP
import Mixing
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

@Suite struct RunStatusTests {
    @Test(arguments: [
        (0, 0), (1, 10), (10, 10), (11, 20), (21, 50), (99, 100), (500, 500), (501, 1000), (12_345, 20_000),
    ])
    func countsAreRoundedUp(count: Int, shown: Int) { #expect(RunStatus.roughly(count) == shown) }

    @Test func timesAreOfWholeMinutes() {
        #expect(RunStatus.minute(Timestamp(milliseconds: 1_800_000_059_999)) == "2027-01-15T08:00:00Z")
    }

    @Test func aRecordIsReadAgainOnlyWhileItsProcessLives() async throws {
        let directory = try TemporaryDirectory("nightjar-status")
        let places = try ClientPlaces(home: directory.path, environment: [:])
        var status = RunStatus(
            process: Int(getpid()), since: "2027-01-15T08:00:00Z", written: "2027-01-15T08:01:00Z")
        status.networks = [
            RunStatus.Network(
                name: "testing", version: 3, height: 1_500_000, published: "2027-01-15T07:40:00Z",
                validUntil: "2027-01-18T07:40:00Z",
                waiting: [RunStatus.Line(node: "alpha", id: "00", packets: 20)])
        ]
        status.warnings = ["the clock is wrong"]
        try status.write(places)
        #expect(RunStatus.read(places) == nil)
        do {
            let lock = try await RunLock(places, networks: ["testing"])
            defer { withExtendedLifetime(lock) {} }
            #expect(RunStatus.read(places) == status)
            #expect(RunLock.isHeld(places) && RunLock.isHeld(places, network: "testing"))
            #expect(!RunLock.isHeld(places, network: "other"))
            await #expect(throws: (any Error).self) { _ = try await RunLock(places, networks: []) }
            #expect(
                status.lines() == [
                    "`nightjar run` is running since 2027-01-15T08:00:00Z (process \(getpid()))",
                    "network testing version 3, height 1500000 made 2027-01-15T07:40:00Z, valid until 2027-01-18T07:40:00Z",
                    "  last packet taken by a node: none yet",
                    "  last mailbox poll: none yet",
                    "  last refresh: none yet",
                    "  up to 20 packets wait for alpha",
                    "warning: the clock is wrong",
                ])
        }
        #expect(!RunLock.isHeld(places) && RunStatus.read(places) == nil)
    }

    @Test func whatIsWrongIsTold() throws {
        let network = try TestNetwork { $0.freshFor = .days(2) }.file
        var health = StreamHealth()
        let start = network.published + .hours(1)
        health.started = start
        func warnings(_ now: Timestamp) -> [String] {
            health.warnings(network: network, mean: .seconds(20), now: now)
        }
        #expect(warnings(start + .minutes(29)) == [])
        #expect(
            warnings(start + .minutes(31)).first?.hasPrefix(
                "no node of network testing has taken a packet for 31 minutes") == true)
        var news = StreamLink.News()
        news.handedOver = true
        health.note(news, now: start + .minutes(32))
        #expect(warnings(start + .minutes(60)) == [])

        news = StreamLink.News()
        news.failures = [.certificateDates(from: start, until: start + .days(2), now: start - .days(3)), .refused]
        health.note(news, now: start + .minutes(40))
        #expect(warnings(start + .minutes(41)).count == 1)
        #expect(warnings(start + .minutes(41))[0].contains("set the clock"))
        news.connected = true
        news.failures = []
        health.note(news, now: start + .minutes(42))
        #expect(warnings(start + .minutes(43)) == [])

        let late = network.freshUntil
        health.lastHandOver = late
        #expect(
            warnings(late) == [
                "what is known of network testing is 48 hours old, and nothing can be sent any more from "
                    + "\(network.validUntil) on; see that this machine is online"
            ])
        health.lastHandOver = network.validUntil
        #expect(warnings(network.validUntil).first?.contains("has expired") == true)
        let unknown = Network(root: network.root)
        let words = health.warnings(network: unknown, mean: .seconds(20), now: network.validUntil)
        #expect(words.first?.hasPrefix("nothing can be sent to network testing") == true)
        // With a stream of one packet an hour half an hour without one is no wonder.
        health.lastHandOver = start
        #expect(health.warnings(network: network, mean: .hours(1), now: start + .hours(20)) == [])
    }

    @Test func whatHappenedToPacketsIsToldForADay() throws {
        let network = try TestNetwork { $0.validFor = .days(30) }.file
        var health = StreamHealth()
        let start = network.published + .hours(1)
        func warnings(_ now: Timestamp) -> Int {
            health.lastHandOver = now
            return health.warnings(network: network, mean: .seconds(20), now: now).count
        }
        health.lastLoss = start
        var news = StreamLink.News()
        news.dropped = [.periodRefused]
        health.note(news, now: start + .hours(1))
        #expect(warnings(start + .hours(2)) == 2)
        #expect(warnings(start + .hours(24)) == 1)
        #expect(warnings(start + .hours(25)) == 0)
        // Once more: told once more, from the last time on.
        news.dropped = [.storage]
        health.note(news, now: start + .hours(30))
        health.note(news, now: start + .hours(40))
        #expect(warnings(start + .hours(63)) == 1)
        #expect(warnings(start + .hours(64)) == 0)
    }
}
