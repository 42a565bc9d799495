// swift-tools-version: 6.2
import PackageDescription

// Fuzzers for what comes from peers. A package of its own, because libFuzzer brings its own main function; what is
// fuzzed is Tests/FuzzTargets. Start it with ./run.
let package = Package(
    name: "nightjar-fuzz",
    dependencies: [.package(name: "nightjar", path: "../..")],
    targets: [
        .executableTarget(name: "fuzz-unwrap", dependencies: [.product(name: "FuzzTargets", package: "nightjar")]),
        .executableTarget(name: "fuzz-parsers", dependencies: [.product(name: "FuzzTargets", package: "nightjar")]),
        .executableTarget(name: "fuzz-peers", dependencies: [.product(name: "FuzzTargets", package: "nightjar")]),
        .executableTarget(name: "fuzz-seeds", dependencies: [.product(name: "FuzzTargets", package: "nightjar")]),
    ]
)
