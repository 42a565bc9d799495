// Fills a disk: stores packets until one is refused, checks what is there, makes room, and tries the refused one again.

import Glibc
import Spool
import TestSupport
import WireFormat

enum FullDisk {
    /// `limit` is a size that no file may pass, or 0 if the file system is small itself.
    static func run(_ directory: String, limit: Int) throws {
        if limit > 0 {
            signal(SIGXFSZ, SIG_IGN)
            var bound = rlimit(rlim_cur: rlim_t(limit), rlim_max: rlim_t(limit))
            guard setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &bound) == 0 else { exit(3) }
        }
        let now = Timestamp(seconds: 1_700_000_000)
        var configuration = CrashPlan.configuration
        configuration.segmentBytes = limit > 0 ? 64 << 20 : 4 * 32_784
        configuration.cacheBytes = 0
        configuration.reserveBytes = 256 << 10
        func open() throws -> (spool: Spool, recovery: SpoolRecovery) {
            try Spool.open(
                directory: directory, storageKey: CrashPlan.storageKey, configuration: configuration, now: now)
        }
        let (spool, _) = try open()
        var ids: [PacketRowID] = []
        var refused = 0
        for number in 0..<1000 {
            let result = try spool.performAndWait([CrashPlan.accept(number, now: now)])
            refused = number
            guard case .stored(let id)? = result.first else {
                print("stored \(number)")
                print(result == [.full] ? "then full" : "then \(result)")
                break
            }
            ids.append(id)
        }
        let whole = try ids.enumerated().count { try spool.readPacket($0.element) == CrashPlan.body($0.offset) }
        print(whole == ids.count ? "all are there" : "\(whole) of \(ids.count) are there")
        print(try spool.performAndWait([.removePackets(ids)]) == [.removed(ids.count)] ? "removed all" : "not removed")
        let again = try spool.performAndWait([CrashPlan.accept(refused, now: now)])
        if case .stored? = again.first {
            print("the refused one is stored")
        } else {
            print("the refused one: \(again)")
        }
        spool.close()
        print("after a restart \(try open().recovery.packets.count)")
    }
}
