// The file `report`: the last report that was made. It outlives the process, so that a pinger that is killed between making a
// report and giving it away gives it away when it runs again.

internal import Daemon
internal import Directory
internal import MixCrypto
internal import WireFormat

/// The last report on disk.
struct LastReport: Sendable {
    let path: String

    /// The report, if it is this key's and of this network; nil if there is none, or a damaged or foreign one.
    func read(key: HybridVerificationKey, network: NetworkFile) -> MeasurementReport? {
        guard let bytes = try? AtomicFile.read(path, limit: MeasurementReport.maximumSize),
            let offered = try? UnverifiedReport(bytes), offered.keyDigest == key.digest
        else { return nil }
        return try? offered.verify(in: network)
    }

    func write(_ report: MeasurementReport) throws(CommandFailure) { try AtomicFile.write(report.bytes, to: path) }

    /// Whether authorities can still count a report: not from the future, as it is when the clock was wrong, and not too old.
    static func isUsable(_ report: MeasurementReport, at now: Timestamp) -> Bool {
        report.published <= now + ReportTally.maximumAhead && report.published >= now - ReportTally.maximumAge
    }
}
