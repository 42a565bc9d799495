import Daemon
import Directory
import Logging
import Spool
import TestSupport
import Testing
import WireFormat

@testable import AuthorityProgram

/// What a start makes of a database that keeps it from acting.
@Suite struct FloorTests {
    private func make(_ fleet: AuthorityFleet) throws -> RunningAuthority {
        try RunningAuthority(
            fleet.settings[0], clock: .real, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// A first start that died right after it made the file leaves nobody knows what: the slot that runs is left out by the
    /// second one.
    @Test func aDatabaseThatWasOnlyMadeIsNew() throws {
        let fleet = try AuthorityFleet(2, slotLength: .minutes(20))
        let path = AuthorityFiles(directory: fleet.settings[0].dataDirectory).database
        try AuthorityStore.open(path: path).close()
        let before = fleet.network.slots.slot(at: ScaledClock.systemTime())
        let authority = try make(fleet)
        let floor = try AuthorityFleet.require(authority.parts.store.floor())
        #expect(floor >= before?.number ?? .max)
        authority.checkFloor()
        #expect(authority.parts.counters.health.current["floor"] == nil)
        authority.parts.store.close()
    }

    @Test func aFloorAheadIsTold() throws {
        let fleet = try AuthorityFleet(2, slotLength: .minutes(20))
        let store = try AuthorityStore.open(path: AuthorityFiles(directory: fleet.settings[0].dataDirectory).database)
        let current = try AuthorityFleet.require(fleet.network.slots.slot(at: ScaledClock.systemTime()))
        try store.raiseFloor(to: current.number + 100)
        store.close()
        let authority = try make(fleet)
        authority.checkFloor()
        let words = authority.parts.counters.health.current["floor"] ?? ""
        #expect(words.contains("takes no part before slot \(current.number + 101)"))
        authority.parts.store.close()
    }
}
