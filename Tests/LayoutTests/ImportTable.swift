// Who may import what: the one source of this rule. A target may import those of ours that stand above it here and that it
// names, and the modules of others that it names; a wrong import fails by name. To add an entry is a decision about the
// architecture (doc/ARCHITECTURE.md, targets), not a formality.

/// One target under Sources.
struct TargetRule: Sendable {
    let name: String
    let layer: Layer
    /// Targets of ours.
    let ours: Set<String>
    /// Modules of libraries, ours to link.
    let libraries: Set<String>
    /// Modules that come with Swift and the system.
    let system: Set<String>

    init(_ name: String, _ layer: Layer, ours: Set<String> = [], libraries: Set<String> = [], system: Set<String> = [])
    {
        self.name = name
        self.layer = layer
        self.ours = ours
        self.libraries = libraries
        self.system = system
    }
}

/// Layers, lowest first. Nothing imports from a higher one.
enum Layer: Int, Comparable, Sendable {
    case system, base, formats, `protocol`, adapters, programs, executables

    static func < (left: Layer, right: Layer) -> Bool { left.rawValue < right.rawValue }
}

enum ImportTable {
    /// Lowest first: a target sees only what stands above it in this list.
    static let targets: [TargetRule] = [
        TargetRule("CSodium", .system),
        TargetRule("CISAL", .system),
        TargetRule("CZlib", .system),
        TargetRule("CQREncode", .system),

        TargetRule("WireFormat", .base),
        TargetRule(
            "MixCrypto", .base, ours: ["WireFormat", "CSodium"], libraries: ["Crypto", "CryptoExtras"],
            system: ["FoundationEssentials", "Glibc"]),

        TargetRule("Sphinx", .formats, ours: ["WireFormat", "MixCrypto"]),
        TargetRule("Messages", .formats, ours: ["WireFormat", "MixCrypto", "CISAL", "CZlib"]),
        TargetRule("Directory", .formats, ours: ["WireFormat", "MixCrypto", "Sphinx"], system: ["Synchronization"]),
        // Pseudonyms: what client and nymserver say to each other, and the rules of an account. Pure.
        TargetRule("NymProtocol", .formats, ours: ["WireFormat", "MixCrypto", "Messages"]),

        // Crypto and SwiftASN1 are for certificates alone (`certificateFiles`).
        TargetRule(
            "MMTP", .protocol, ours: ["WireFormat", "MixCrypto"],
            libraries: ["NIOCore", "NIOPosix", "NIOSSL", "NIOTLS", "X509", "SwiftASN1", "Crypto"],
            system: ["FoundationEssentials", "Glibc", "Synchronization"]),
        TargetRule(
            "Mixing", .protocol, ours: ["WireFormat"], libraries: ["DequeModule", "HeapModule"], system: ["Glibc"]),
        // Pure: what is measured, how, and what follows from it.
        TargetRule("Measurement", .protocol, ours: ["WireFormat", "Directory"], system: ["Glibc"]),

        TargetRule(
            "Spool", .adapters, ours: ["WireFormat", "MixCrypto"], libraries: ["GRDB"],
            system: ["Dispatch", "Foundation", "Glibc", "Synchronization"]),
        TargetRule(
            "Forwarding", .adapters, ours: ["WireFormat", "MMTP", "Mixing", "Spool"], libraries: ["NIOCore"],
            system: ["Dispatch", "Synchronization"]),
        TargetRule(
            "Daemon", .adapters, ours: ["WireFormat"],
            libraries: ["ServiceLifecycle", "TOMLKit", "Logging", "Metrics", "NIOCore", "NIOPosix", "NIOHTTP1"],
            system: ["Dispatch", "Glibc", "Synchronization"]),
        TargetRule(
            "Exits", .adapters, ours: ["WireFormat", "MixCrypto", "Messages", "Daemon"],
            libraries: ["NIOCore", "NIOPosix", "NIOSSL", "NIOTLS"],
            system: ["Glibc", "Synchronization"]),
        TargetRule(
            "DirectoryService", .adapters, ours: ["WireFormat", "MixCrypto", "Directory", "MMTP", "Daemon", "CZlib"],
            libraries: [
                "Hummingbird", "HummingbirdCore", "AsyncHTTPClient", "NIOCore", "NIOPosix", "NIOHTTP1",
                "NIOSSL", "ServiceLifecycle", "Logging",
            ],
            system: ["Foundation", "Synchronization"]),

        // Asking nodes about mailboxes: for the client and the pinger.
        TargetRule(
            "Mailboxes", .adapters, ours: ["WireFormat", "MixCrypto", "Messages", "Directory", "MMTP", "Daemon"],
            libraries: ["NIOCore", "NIOPosix"]),
        // Pages for people: of authorities and pingers.
        TargetRule("Pages", .adapters, ours: ["WireFormat", "MixCrypto"]),

        TargetRule(
            "NodeProgram", .programs,
            ours: [
                "WireFormat", "MixCrypto", "Sphinx", "Messages", "Directory", "MMTP", "Mixing", "Spool", "Exits",
                "Forwarding", "Daemon", "DirectoryService",
            ],
            libraries: ["ServiceLifecycle", "Logging", "NIOCore", "NIOPosix"],
            system: ["Dispatch", "Foundation", "Synchronization"]),
        TargetRule(
            "AuthorityProgram", .programs,
            ours: ["WireFormat", "MixCrypto", "Directory", "MMTP", "Spool", "Daemon", "DirectoryService", "Pages"],
            libraries: ["ServiceLifecycle", "Logging", "NIOPosix"],
            system: ["Dispatch", "Foundation", "Glibc", "Synchronization"]),
        TargetRule(
            "PingerProgram", .programs,
            ours: [
                "WireFormat", "MixCrypto", "Sphinx", "Messages", "Directory", "MMTP", "Mixing", "Measurement", "Spool",
                "Daemon", "DirectoryService", "Mailboxes", "Pages",
            ],
            libraries: ["ServiceLifecycle", "Logging", "NIOPosix"],
            system: ["Dispatch", "Foundation", "Glibc", "Synchronization"]),
        TargetRule(
            "NymserverProgram", .programs,
            ours: [
                "WireFormat", "MixCrypto", "Sphinx", "Messages", "Directory", "NymProtocol", "MMTP", "Mixing", "Spool",
                "Exits", "Forwarding", "Daemon", "DirectoryService",
            ],
            libraries: ["ServiceLifecycle", "Logging", "NIOCore", "NIOPosix"],
            system: ["Dispatch", "Foundation", "Glibc", "Synchronization"]),
        TargetRule(
            "ClientProgram", .programs,
            ours: [
                "WireFormat", "MixCrypto", "Sphinx", "Messages", "Directory", "NymProtocol", "MMTP", "Mixing", "Spool", "Exits",
                "Forwarding", "Daemon", "CQREncode", "DirectoryService", "Mailboxes",
            ],
            libraries: ["ServiceLifecycle", "Logging", "NIOCore", "NIOPosix"],
            system: ["Dispatch", "Foundation", "Glibc", "Synchronization"]),
        TargetRule(
            "LabProgram", .programs,
            ours: [
                "WireFormat", "MixCrypto", "Sphinx", "Messages", "Directory", "MMTP", "Daemon", "DirectoryService",
                "NodeProgram", "PingerProgram", "NymserverProgram",
            ],
            libraries: ["NIOPosix"], system: ["Foundation", "Glibc"]),
        // How programs start and end: the only place besides the executables that knows the command line.
        TargetRule("CommandLineEntry", .programs, ours: ["Daemon"], libraries: ["ArgumentParser"], system: ["Glibc"]),

        TargetRule(
            "nightjar", .executables, ours: ["WireFormat", "ClientProgram", "CommandLineEntry", "Daemon"],
            libraries: ["ArgumentParser"]),
        TargetRule(
            "nightjar-node", .executables, ours: ["NodeProgram", "CommandLineEntry"], libraries: ["ArgumentParser"]),
        TargetRule(
            "nightjar-authority", .executables, ours: ["AuthorityProgram", "CommandLineEntry"],
            libraries: ["ArgumentParser"]),
        TargetRule(
            "nightjar-pinger", .executables, ours: ["PingerProgram", "CommandLineEntry"], libraries: ["ArgumentParser"]),
        TargetRule(
            "nightjar-nymserver", .executables, ours: ["NymserverProgram", "CommandLineEntry"],
            libraries: ["ArgumentParser"]),
        TargetRule(
            "nightjar-lab", .executables, ours: ["WireFormat", "LabProgram", "CommandLineEntry", "Daemon"],
            libraries: ["ArgumentParser"], system: ["Foundation"]),
        // Times the primitives that ours are made of, so it calls them directly.
        TargetRule(
            "nightjar-bench", .executables,
            ours: ["WireFormat", "MixCrypto", "Sphinx", "Directory", "MMTP", "Measurement", "LabProgram"],
            libraries: ["ArgumentParser", "Crypto", "CryptoExtras", "NIOCore", "NIOPosix"],
            system: ["Foundation", "FoundationEssentials", "Glibc", "Synchronization"]),
    ]

    /// The files of MMTP that make and read certificates, and the modules that no other file of it may import.
    static let certificateFiles: Set<String> = [
        "Sources/MMTP/LinkCertificate.swift", "Sources/MMTP/LocalCertificate.swift",
    ]
    static let certificateModules: Set<String> = ["Crypto", "SwiftASN1"]

    /// Every name at the top of the repository besides those that start with a dot.
    static let topLevel: Set<String> = [
        "Package.swift", "Package.resolved", "Sources", "Tests", "doc", "etc", "contrib", "TODO", "README.md",
        "LICENSE",
    ]

    /// Words that say nothing about what a file holds.
    static let emptyWords = ["Common", "Util", "Helper", "Types", "Manager"]

    /// Most lines of a source file.
    static let maximumLines = 350
}
