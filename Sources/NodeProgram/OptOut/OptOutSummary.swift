// How many opt-outs there are, for the operator: from the node's files, whether it runs or not.

internal import Directory
internal import DirectoryService
internal import Foundation
internal import MixCrypto
internal import Spool
internal import WireFormat

/// Counts, and the date of the node's own statement.
struct OptOutSummary: Codable, Equatable, Sendable {
    /// Held here, domains among them.
    var held: Int
    /// Whole domains that were confirmed by their postmasters; those that were added by hand count as by hand.
    var domains: Int
    /// By the link of a delivered mail, by confirmed mail, by the operator's hand.
    var byLink, byMail, byHand: Int
    /// Who wants anonymous mail.
    var optIns: Int
    /// Entries of the statements of all nodes, and their number.
    var network: Int
    var statements: Int
    /// When this node's statement was made; nil if it has none.
    var stated: String?

    /// - Throws: if the store of records is not there, or not to be read.
    init(_ files: NodeFiles, network: Network, now: Timestamp) throws {
        let entries = try NodeCommands.book(files).map { ($0.entries, $0.optInCount) } ?? ([:], 0)
        held = entries.0.count
        func count(_ source: OptOutBook.Source) -> Int { entries.0.values.count { $0.source == source } }
        domains = count(.domain)
        byLink = count(.link)
        byMail = count(.mail)
        byHand = count(.hand)
        optIns = entries.1
        let found = OptOutCache(DirectoryCache(directory: files.directoryCache)).inForce(network, at: now)
        self.network = Set(found.flatMap(\.hashes)).count
        statements = found.count
        let identity = try files.loadIdentity()
        stated =
            OwnStatement(path: files.optOuts, network: network.name, identity: identity, pause: .zero)
            .current?.published.description
    }

    /// In one line.
    var line: String {
        let statement = stated.map { ", stated \($0)" } ?? ""
        return "\(held) held here\(statement); \(network) in \(statements) statements of the network"
    }

    /// Lines for people.
    var lines: [String] {
        [
            "held here      \(held): \(byLink) by link, \(byMail) by mail, \(domains) domains, \(byHand) by hand",
            "opted in       \(optIns)",
            "statement      \(stated.map { "of \($0)" } ?? "none yet")",
            "network        \(network) in the statements of \(statements) nodes",
        ]
    }
}
