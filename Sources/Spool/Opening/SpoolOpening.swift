// Opening a spool: take the directory, check the database, check segments and files against it, list what waits.
// Damage is set aside and counted. Whatever no row knows is left over from a crash before a commit, and deleted.

internal import Foundation
internal import GRDB
internal import MixCrypto
internal import WireFormat

/// A spool's parts as they are found, ready for the writer.
struct SpoolOpening {
    var core: SpoolCore
    var ledger: Ledger
    /// Periods whose tags were being erased.
    var erasing: [KeyPeriod]
    var recovery: SpoolRecovery

    static func open(
        directory path: String, seal: StorageSeal, configuration: SpoolConfiguration, now: Timestamp
    ) throws(SpoolError) -> SpoolOpening {
        let directory = try SpoolDirectory(taking: path)
        var damage = SpoolDamage()
        do throws(SpoolError) {
            return try open(directory, seal, configuration, now, damage)
        } catch .damaged {
            try SpoolDatabase.setAside(directory, now: now, damage: &damage)
            return try open(directory, seal, configuration, now, damage)
        }
    }

    private static func open(
        _ directory: SpoolDirectory, _ seal: StorageSeal, _ configuration: SpoolConfiguration, _ now: Timestamp,
        _ damage: SpoolDamage
    ) throws(SpoolError) -> SpoolOpening {
        let pool = try SpoolDatabase.open(directory, seal: seal, configuration: configuration)
        do {
            try directory.mark()
            return try pool.writeWithoutTransaction { database in
                try Schema.prepareWriter(database, configuration: configuration)
                var inventory = SpoolInventory(
                    database: database, directory: directory, seal: seal, configuration: configuration, now: now)
                inventory.recovery.damage = damage
                try inventory.take()
                let core = SpoolCore(
                    configuration: configuration, directory: directory, seal: seal, pool: pool,
                    state: inventory.state, filters: inventory.filters)
                return SpoolOpening(
                    core: core, ledger: inventory.ledger,
                    erasing: try Schema.periods("forgotten_", in: database), recovery: inventory.recovery)
            }
        } catch {
            // Closed here, because its files may be renamed now.
            try? pool.close()
            throw SpoolError(wrapping: error)
        }
    }
}
