// spool-crash DIRECTORY FIRST STEPS: runs `CrashWorkload` with numbers from FIRST on. The tests start it with
// NIGHTJAR_KILL_AT set.
// spool-crash full DIRECTORY LIMIT: runs `FullDisk`.
// spool-crash authority FILE VARIANT SLOTS: runs `AuthorityCrash`.
// spool-crash nyms DIRECTORY FIRST COUNT: runs `NymCrash`.
// spool-crash pings DIRECTORY FIRST COUNT, expire-pings DIRECTORY COUNT: run `PingCrash`.

import Glibc
import Spool
import TestSupport
import WireFormat

let arguments = CommandLine.arguments
if arguments.count == 4, let first = Int(arguments[2]), let steps = Int(arguments[3]) {
    let start = Timestamp(seconds: 1_700_000_000 + Int64(first))
    let (spool, _) = try Spool.open(
        directory: arguments[1], storageKey: CrashPlan.storageKey, configuration: CrashPlan.configuration, now: start)
    var workload = CrashWorkload(
        spool: spool, now: start, random: SeededRandom(seed: UInt64(first)), next: first)
    try workload.run(steps: steps)
    spool.close()
} else if arguments.count == 4, arguments[1] == "full", let limit = Int(arguments[3]) {
    try FullDisk.run(arguments[2], limit: limit)
} else if arguments.count == 5, arguments[1] == "authority", let variant = Int(arguments[3]),
    let slots = UInt64(arguments[4])
{
    try AuthorityCrash.run(arguments[2], variant: variant, slots: slots)
} else if arguments.count == 5, arguments[1] == "pings", let first = Int(arguments[3]), let count = Int(arguments[4]) {
    do { try PingCrash(arguments[2]).run(first: first, count: count) } catch let error as PingStoreError {
        print("refused \(error)")
        exit(1)
    }
} else if arguments.count == 5, arguments[1] == "nyms", let first = Int(arguments[3]), let count = Int(arguments[4]) {
    try NymCrash(arguments[2]).run(first: first, count: count)
} else if arguments.count == 4, arguments[1] == "expire-pings", let count = Int(arguments[3]) {
    try PingCrash(arguments[2]).expire(count: count)
} else {
    print(
        """
        usage: spool-crash DIRECTORY FIRST STEPS | full DIRECTORY LIMIT | authority FILE VARIANT SLOTS
            | nyms DIRECTORY FIRST COUNT | pings DIRECTORY FIRST COUNT | expire-pings DIRECTORY COUNT
        """)
    exit(2)
}
