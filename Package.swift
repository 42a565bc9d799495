// swift-tools-version: 6.2
import PackageDescription

// Nightjar's targets, lowest layer first. `doc/ARCHITECTURE.md` says what each is for, and
// `Tests/LayoutTests` holds the same table against every `import` in the tree.

// Warnings are errors wherever the result is judged: in CI, and in contrib/test, which sets NIGHTJAR_STRICT.
let strict = Context.environment["CI"] != nil || Context.environment["NIGHTJAR_STRICT"] != nil

let ourSettings: [SwiftSetting] =
    [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    ] + (strict ? [.treatAllWarnings(as: .error)] : [])

extension Target {
    static func ours(
        _ name: String, _ dependencies: [Target.Dependency] = [], linker: [LinkerSetting] = []
    ) -> Target {
        .target(name: name, dependencies: dependencies, swiftSettings: ourSettings, linkerSettings: linker)
    }

    static func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
        .executableTarget(name: name, dependencies: dependencies, swiftSettings: ourSettings)
    }

    static func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
        .testTarget(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: ourSettings)
    }
}

extension Target.Dependency {
    static let crypto: Self = .product(name: "Crypto", package: "swift-crypto")
    static let cryptoExtras: Self = .product(name: "CryptoExtras", package: "swift-crypto")
    static let collections: Self = .product(name: "Collections", package: "swift-collections")
    static let nioCore: Self = .product(name: "NIOCore", package: "swift-nio")
    static let nioPosix: Self = .product(name: "NIOPosix", package: "swift-nio")
    static let nioEmbedded: Self = .product(name: "NIOEmbedded", package: "swift-nio")
    static let nioHTTP1: Self = .product(name: "NIOHTTP1", package: "swift-nio")
    static let nioSSL: Self = .product(name: "NIOSSL", package: "swift-nio-ssl")
    static let nioTLS: Self = .product(name: "NIOTLS", package: "swift-nio")
    static let x509: Self = .product(name: "X509", package: "swift-certificates")
    static let asn1: Self = .product(name: "SwiftASN1", package: "swift-asn1")
    static let grdb: Self = .product(name: "GRDB", package: "GRDB.swift")
    static let toml: Self = .product(name: "TOMLKit", package: "TOMLKit")
    static let lifecycle: Self = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
    static let logging: Self = .product(name: "Logging", package: "swift-log")
    static let metrics: Self = .product(name: "Metrics", package: "swift-metrics")
    static let hummingbird: Self = .product(name: "Hummingbird", package: "hummingbird")
    static let hummingbirdCore: Self = .product(name: "HummingbirdCore", package: "hummingbird")
    static let asyncHTTPClient: Self = .product(name: "AsyncHTTPClient", package: "async-http-client")
    static let arguments: Self = .product(name: "ArgumentParser", package: "swift-argument-parser")
}

let package = Package(
    name: "nightjar",
    products: [
        .executable(name: "nightjar", targets: ["nightjar"]),
        .executable(name: "nightjar-node", targets: ["nightjar-node"]),
        .executable(name: "nightjar-authority", targets: ["nightjar-authority"]),
        .executable(name: "nightjar-pinger", targets: ["nightjar-pinger"]),
        .executable(name: "nightjar-nymserver", targets: ["nightjar-nymserver"]),
        .executable(name: "nightjar-lab", targets: ["nightjar-lab"]),
        // The client for other programs: doc/LIBRARY.md.
        .library(name: "NightjarClient", targets: ["ClientProgram", "Daemon", "Messages", "WireFormat"]),
        // For contrib/fuzz, a package of its own.
        .library(name: "FuzzTargets", targets: ["FuzzTargets"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // C libraries of the system.
        .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(name: "CISAL", pkgConfig: "libisal", providers: [.apt(["libisal-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CQREncode", pkgConfig: "libqrencode", providers: [.apt(["libqrencode-dev"])]),

        // Base.
        .ours("WireFormat"),
        .ours("MixCrypto", ["WireFormat", .crypto, .cryptoExtras, "CSodium"]),

        // Formats.
        .ours("Sphinx", ["MixCrypto", "WireFormat"]),
        .ours("Messages", ["MixCrypto", "WireFormat", "CISAL", "CZlib"]),
        .ours("Directory", ["MixCrypto", "WireFormat", "Sphinx"]),
        .ours("NymProtocol", ["MixCrypto", "WireFormat", "Messages"]),

        // Protocol.
        .ours("MMTP", ["MixCrypto", "WireFormat", .nioCore, .nioPosix, .nioSSL, .nioTLS, .x509, .asn1, .crypto]),
        .ours("Mixing", ["WireFormat", .collections]),
        .ours("Measurement", ["WireFormat", "Directory"]),

        // Adapters.
        .ours("Spool", ["MixCrypto", "WireFormat", .grdb]),
        .ours("Exits", ["MixCrypto", "WireFormat", "Messages", "Daemon", .nioCore, .nioPosix, .nioSSL, .nioTLS]),
        .ours("Forwarding", ["WireFormat", "MMTP", "Mixing", "Spool", .nioCore]),
        .ours("Daemon", ["WireFormat", .lifecycle, .toml, .logging, .metrics, .nioCore, .nioPosix, .nioHTTP1]),
        .ours(
            "DirectoryService",
            [
                "MixCrypto", "WireFormat", "Directory", "MMTP", "Daemon", "CZlib", .hummingbird, .hummingbirdCore, .asyncHTTPClient,
                .nioCore, .nioPosix, .nioHTTP1, .nioSSL, .lifecycle, .logging,
            ]),

        .ours(
            "Mailboxes",
            ["MixCrypto", "WireFormat", "Messages", "Directory", "MMTP", "Daemon", .nioCore, .nioPosix]),
        .ours("Pages", ["MixCrypto", "WireFormat"]),

        // Programs.
        .ours(
            "NodeProgram",
            [
                "MixCrypto", "WireFormat", "Sphinx", "Messages", "Directory", "MMTP", "Mixing", "Spool", "Exits", "Forwarding", "Daemon",
                "DirectoryService",
                .lifecycle, .logging, .nioCore, .nioPosix, .toml,
            ]),
        .ours(
            "AuthorityProgram",
            [
                "MixCrypto", "WireFormat", "Directory", "MMTP", "Spool", "Daemon", "DirectoryService", "Pages", .lifecycle, .logging,
                .nioCore, .nioPosix, .toml,
            ]),
        .ours(
            "PingerProgram",
            [
                "MixCrypto", "WireFormat", "Sphinx", "Messages", "Directory", "MMTP", "Mixing", "Measurement", "Spool", "Exits", "Daemon",
                "DirectoryService", "Mailboxes", "Pages", .lifecycle, .logging, .nioCore, .nioPosix, .toml,
            ]),
        .ours(
            "NymserverProgram",
            [
                "MixCrypto", "WireFormat", "Sphinx", "Messages", "Directory", "NymProtocol", "MMTP", "Mixing", "Spool", "Exits",
                "Forwarding", "Daemon", "DirectoryService", .lifecycle, .logging, .nioCore, .nioPosix, .toml,
            ]),
        .ours(
            "ClientProgram",
            [
                "MixCrypto", "WireFormat", "Sphinx", "Messages", "Directory", "NymProtocol", "MMTP", "Mixing", "Spool", "Exits", "Forwarding",
                "Daemon", "DirectoryService", "Mailboxes",
                "CQREncode", .nioCore, .nioPosix, .toml, .logging, .lifecycle,
            ]),
        .ours(
            "LabProgram",
            [
                "MixCrypto", "WireFormat", "Sphinx", "Messages", "Directory", "MMTP", "Daemon", "DirectoryService", "NodeProgram",
                "PingerProgram", "NymserverProgram", .nioCore, .nioPosix,
            ]),
        .ours("CommandLineEntry", ["Daemon", .arguments]),

        // Executables.
        .program("nightjar", ["ClientProgram", "CommandLineEntry", "Daemon", "WireFormat", .arguments]),
        .program("nightjar-node", ["NodeProgram", "CommandLineEntry", .arguments]),
        .program("nightjar-authority", ["AuthorityProgram", "CommandLineEntry", .arguments]),
        .program("nightjar-pinger", ["PingerProgram", "CommandLineEntry", .arguments]),
        .program("nightjar-nymserver", ["NymserverProgram", "CommandLineEntry", .arguments]),
        .program("nightjar-lab", ["LabProgram", "CommandLineEntry", "Daemon", "WireFormat", .arguments]),
        .program(
            "nightjar-bench",
            [
                "MixCrypto", "WireFormat", "Sphinx", "Directory", "MMTP", "Measurement", "Spool", "LabProgram", .crypto, .cryptoExtras, .nioCore, .nioPosix,
                .arguments,
            ]),

        // Shows the client library.
        .executableTarget(
            name: "answering-machine", dependencies: ["ClientProgram", "Daemon"], path: "contrib/examples/answering-machine",
            swiftSettings: ourSettings),

        // Tests. `TestSupport` holds what several of them need: seeds that are printed, directories that go away.
        .target(
            name: "TestSupport", dependencies: ["WireFormat", "MixCrypto", "Directory"], path: "Tests/TestSupport",
            exclude: ["Browser"], swiftSettings: ourSettings),
        // What the fuzzers and the replay of their corpus run.
        .target(
            name: "FuzzTargets",
            dependencies: ["Exits", "NymProtocol", "MMTP", "Directory", "Messages", "Sphinx", "MixCrypto", "WireFormat"],
            path: "Tests/FuzzTargets",
            swiftSettings: ourSettings),
        .tests("LayoutTests", []),
        .tests("WireFormatTests", ["WireFormat", "TestSupport"]),
        .tests("MixCryptoTests", ["MixCrypto", "WireFormat", "TestSupport"]),
        .tests("SphinxTests", ["Sphinx", "MixCrypto", "WireFormat", "TestSupport", "FuzzTargets"], exclude: ["Vectors"]),
        .tests("MessagesTests", ["Messages", "Sphinx", "MixCrypto", "WireFormat", "TestSupport"]),
        .tests("DirectoryTests", ["Directory", "Sphinx", "MixCrypto", "WireFormat", "TestSupport"], exclude: ["Golden"]),
        .tests("NymProtocolTests", ["NymProtocol", "Messages", "MixCrypto", "WireFormat", "TestSupport"], exclude: ["Golden"]),
        .tests("MMTPTests", ["MMTP", "MixCrypto", "WireFormat", "TestSupport", .nioCore, .nioPosix, .nioEmbedded, .nioSSL]),
        .tests("MixingTests", ["Mixing", "WireFormat", "TestSupport"]),
        .tests("MeasurementTests", ["Measurement", "Directory", "Sphinx", "Mixing", "MixCrypto", "WireFormat", "TestSupport"]),
        .executableTarget(
            name: "spool-crash", dependencies: ["Spool", "MixCrypto", "WireFormat", "TestSupport"],
            path: "Tests/SpoolCrashProgram", swiftSettings: ourSettings),
        .tests("SpoolTests", ["Spool", "MixCrypto", "WireFormat", "TestSupport", "spool-crash", .grdb]),
        .tests("ExitsTests", ["Exits", "Messages", "MixCrypto", "WireFormat", "TestSupport", .nioCore, .nioPosix], exclude: ["Peers"]),
        .tests(
            "DirectoryServiceTests",
            [
                "DirectoryService", "Directory", "MMTP", "MixCrypto", "WireFormat", "Daemon", "TestSupport", .nioCore, .nioPosix,
                .hummingbird, .logging, .lifecycle,
            ], exclude: ["Peers"]),
        .tests(
            "AuthorityTests",
            [
                "AuthorityProgram", "DirectoryService", "Directory", "Spool", "MMTP", "MixCrypto", "WireFormat", "Daemon", "Pages",
                "TestSupport", "nightjar-authority", .nioCore, .nioPosix, .logging, .grdb,
            ], exclude: ["Pages/Golden"]),
        .tests(
            "PingerTests",
            [
                "PingerProgram", "Measurement", "Spool", "MixCrypto", "WireFormat", "Sphinx", "Messages", "Directory", "MMTP", "Daemon",
                "DirectoryService", "Mailboxes", "Pages", "AuthorityProgram", "TestSupport", "nightjar-pinger", .nioCore, .nioPosix, .logging,
            ], exclude: ["Pages/Golden"]),
        .tests(
            "NymserverTests",
            [
                "NymserverProgram", "NymProtocol", "Spool", "Exits", "MixCrypto", "WireFormat", "Sphinx", "Messages", "Directory", "MMTP",
                "Mixing", "Forwarding", "Daemon", "DirectoryService", "TestSupport", "nightjar-nymserver", .nioCore, .nioPosix, .logging,
            ]),
        .tests("DaemonTests", ["Daemon", "WireFormat", "TestSupport", .lifecycle, .logging, .metrics]),
        .tests(
            "NodeTests",
            [
                "NodeProgram", "MixCrypto", "WireFormat", "Sphinx", "Messages", "Directory", "MMTP", "Mixing", "Spool", "Exits",
                "Forwarding", "Daemon", "DirectoryService", "TestSupport", .nioCore, .nioPosix, .logging,
            ]),
        .tests(
            "ClientTests",
            [
                "ClientProgram", "MixCrypto", "WireFormat", "Sphinx", "Messages", "Directory", "MMTP", "Mixing", "Spool", "Daemon",
                "DirectoryService", "Mailboxes", "NymProtocol", "Exits", "TestSupport", "nightjar", .nioCore, .nioPosix,
            ], exclude: ["Golden"]),
        .tests(
            "IntegrationTests",
            [
                "LabProgram", "NodeProgram", "MixCrypto", "WireFormat", "Sphinx", "Messages", "Directory", "MMTP", "Mixing", "Spool",
                "Exits", "Forwarding", "Daemon", "DirectoryService", "AuthorityProgram", "TestSupport", "nightjar-lab", "nightjar-node",
                "nightjar-authority", "nightjar-pinger", "nightjar-nymserver", "nightjar", "PingerProgram", "NymserverProgram", "NymProtocol",
                "Measurement", .nioCore, .nioPosix, .nioSSL,
            ]),
    ]
)
