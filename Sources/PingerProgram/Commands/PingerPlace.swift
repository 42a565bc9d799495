// What the commands that only look find of a pinger: its configuration, its database, the network. Beside a running pinger,
// and without changing anything.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Foundation
internal import Spool
internal import WireFormat

/// A pinger's place on disk, opened for reading.
struct PingerPlace: Sendable {
    let settings: PingerSettings
    let files: PingerFiles
    let network: Network
    let investigation: Investigation
    /// The network's time.
    let now: Timestamp
    var store: PingStore { investigation.store }

    /// - Throws: `CommandFailure` that says what is missing: code `temporary` if it will come by itself.
    init(configuration path: String) throws {
        settings = try PingerSettings(configuration: path)
        files = PingerFiles(directory: settings.dataDirectory)
        now = settings.clock.now()
        guard FileManager.default.fileExists(atPath: files.directory) else {
            throw CommandFailure(
                "\(settings.dataDirectory) is not there; run `nightjar-pinger init --config \(path)`, and start the pinger"
            )
        }
        guard FileManager.default.fileExists(atPath: files.database) else {
            throw CommandFailure(
                "there is no database yet in \(settings.dataDirectory); start the pinger with `nightjar-pinger run`",
                code: .temporary)
        }
        network = try Self.network(settings, files, at: now)
        do throws(PingStoreError) {
            investigation = Investigation(settings: settings, store: try PingStore.openForReading(path: files.database))
        } catch {
            throw CommandFailure(error.description, code: error.isTemporary ? .temporary : .failed)
        }
    }

    /// The network as the pinger has it, or else at least the network file.
    private static func network(_ settings: PingerSettings, _ files: PingerFiles, at now: Timestamp) throws -> Network {
        let root = try NetworkKeeper.root(settings.keeping)
        let cache = DirectoryCache(directory: files.directoryCache)
        guard cache.isInstalled else { return Network(root: root) }
        return (try? cache.load(at: now, allowStale: true)) ?? Network(root: root)
    }

    /// How the running pinger's report stands; nil if it has not run yet, or wrote another form.
    var publication: PublicationRecord? {
        (try? AtomicFile.read(files.publication, limit: PublicationRecord.maximumSize)).flatMap(PublicationRecord.init)
    }

    /// Whether a process says that it runs this pinger. Not for safety: that is the lock's business.
    var isRunning: Bool {
        guard let bytes = try? AtomicFile.read(files.running, limit: 1 << 16),
            let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first, let process = Int32(line)
        else { return false }
        return kill(process, 0) == 0 || errno == EPERM
    }

    /// What can be said now, by the rules of the running pinger as far as files tell: nil for `silence` if everything.
    /// - Parameter since: older probes and days are left out.
    func look(since: Timestamp? = nil) throws -> (facts: PingerFacts, silence: String?) {
        do throws(PingStoreError) {
            let gap = try investigation.lastGap(at: now)
            var situation = ReportSituation(
                now: now, lastGap: gap,
                consensus: network.consensus.map { ($0.consensus.published, $0.consensus.validUntil) },
                deadline: settings.deadline)
            situation.hasSeenReturn = true
            let early = ReportDecision.silence(situation)
            let input = try investigation.read(at: early?.asOf(now) ?? now, since: since)
            situation.counts = input.counts
            situation.hasSeenReturn =
                gap.map { gap in input.lastReturned.map { $0 > gap.end(at: now) } ?? false } ?? true
            let found = ReportDecision.silence(situation)
            let analysis = try investigation.analyse(input, at: found?.asOf(now) ?? now, since: since)
            var facts = try investigation.facts(analysis, network: network, at: now, historySince: since)
            // The running pinger knows more of what it sees than its files tell.
            let told = isRunning ? publication?.silence.map { "since \($0.since) \($0.words)" } : nil
            let silence = told ?? found?.description
            facts.silence = silence
            if !isRunning {
                facts.problems.append(
                    "the pinger does not run" + (try store.lastAlive.map { "; it was last alive at \($0)" } ?? ""))
            }
            return (facts, silence)
        } catch {
            throw CommandFailure(error.description, code: error.isTemporary ? .temporary : .failed)
        }
    }
}
