import ArgumentParser
import Daemon
import WireFormat

/// A part of the whole, written `10%` or `0.1`.
struct Share: ExpressibleByArgument {
    let fraction: Double

    init(_ fraction: Double) { self.fraction = fraction }

    init?(argument: String) {
        let isPercent = argument.hasSuffix("%")
        guard let value = Double(isPercent ? String(argument.dropLast()) : argument) else { return nil }
        fraction = isPercent ? value / 100 : value
        guard (0...1).contains(fraction) else { return nil }
    }

    var defaultValueDescription: String { "0%" }
}

/// A length of time, written `30m`.
struct Length: ExpressibleByArgument {
    let interval: Interval

    init?(argument: String) {
        guard let interval = ConfigText.duration(argument) else { return nil }
        self.interval = interval
    }
}

/// What is wrong with a node, written `bravo=20%`.
struct NodeFault<Value: ExpressibleByArgument>: ExpressibleByArgument {
    let node: String
    let value: Value

    init?(argument: String) {
        guard let mark = argument.firstIndex(of: "="),
            let value = Value(argument: String(argument[argument.index(after: mark)...]))
        else { return nil }
        node = String(argument[..<mark])
        self.value = value
    }
}

/// A link that carries nothing, written `alpha:bravo`.
struct LinkFault: ExpressibleByArgument {
    let from, to: String

    init?(argument: String) {
        let names = argument.split(separator: ":", omittingEmptySubsequences: false)
        guard names.count == 2, names.allSatisfy({ !$0.isEmpty }), names[0] != names[1] else { return nil }
        (from, to) = (String(names[0]), String(names[1]))
    }
}
