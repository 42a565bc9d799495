// One table of a configuration file, and the taking of settings out of it.

/// A table of a `ConfigFile`. A setting that is wrong is reported there, and a stand-in is returned.
public struct ConfigTable {
    let file: ConfigFile
    /// With the numbers of array elements: `exit[1]`.
    let path: String
    /// Without them: `exit[]`.
    let general: String
    let values: [String: ConfigValue]

    /// The setting `name`, or `standard` where it is not set.
    public func value<Value>(
        _ name: String, _ kind: ConfigKind<Value>, default standard: Value, doc: String
    ) -> Value {
        register(name, kind, standard: kind.spell(standard), isRequired: false, doc: doc)
        return values[name].map { read(name, $0, kind) } ?? kind.resolve(standard, file.context)
    }

    /// The setting `name`, which must be set.
    public func required<Value>(_ name: String, _ kind: ConfigKind<Value>, doc: String) -> Value {
        register(name, kind, standard: nil, isRequired: true, doc: doc)
        guard let value = values[name] else {
            let place = path.isEmpty ? "" : " in [\(path)]"
            file.report(path, "'\(name)' is missing\(place); give \(kind.wanted): \(doc)", isPresent: !path.isEmpty)
            return kind.placeholder
        }
        return read(name, value, kind)
    }

    /// The setting `name`, or nil where it is not set.
    public func optional<Value>(_ name: String, _ kind: ConfigKind<Value>, doc: String) -> Value? {
        register(name, kind, standard: nil, isRequired: false, doc: doc)
        return values[name].map { read(name, $0, kind) }
    }

    /// The table `name` inside; an empty one if it is not there.
    public func table(_ name: String) -> ConfigTable {
        file.ask(name, in: path)
        var inner: [String: ConfigValue] = [:]
        switch values[name] {
        case nil: break
        case .table(let values)?: inner = values
        case let other?:
            file.report(full(name), "'\(name)' must be a table, [\(full(name))], and is \(other.kind)", isPresent: true)
        }
        return ConfigTable(file: file, path: full(name), general: join(general, name), values: inner)
    }

    /// The tables `[[name]]` inside, in their order.
    public func tables(_ name: String) -> [ConfigTable] {
        file.ask(name, in: path)
        guard !file.isDocumenting else {
            return [ConfigTable(file: file, path: full(name), general: join(general, name) + "[]", values: [:])]
        }
        guard let value = values[name] else { return [] }
        var inner: [[String: ConfigValue]] = []
        if case .array(let elements) = value {
            for case .table(let table) in elements { inner.append(table) }
            if inner.count < elements.count { inner = [] }
        }
        if inner.isEmpty {
            file.report(
                full(name), "'\(name)' must be tables, [[\(full(name))]], and is \(value.kind)", isPresent: true)
        }
        return inner.enumerated().map { index, values in
            ConfigTable(
                file: file, path: "\(full(name))[\(index)]", general: join(general, name) + "[]", values: values)
        }
    }

    /// Whether `name` is set.
    public func contains(_ name: String) -> Bool { values[name] != nil }

    /// Reports that `name` is wrong for a reason that only the program knows. The message is in lower case and says what
    /// to do.
    public func report(_ name: String, _ message: String) {
        file.report(full(name), "'\(name)': \(message)", isPresent: values[name] != nil || !path.isEmpty)
    }

    private func read<Value>(_ name: String, _ value: ConfigValue, _ kind: ConfigKind<Value>) -> Value {
        if let result = kind.read(value, file.context) { return result }
        let given: String =
            switch value {
            case .string(let text): ConfigText.quoted(String(text.prefix(60)))
            case .int(let number): "\(number)"
            case .double(let number): "\(number)"
            case .bool(let bool): "\(bool)"
            case .date, .array, .table: value.kind
            }
        file.report(full(name), "'\(name)' must be \(kind.wanted), and is \(given)", isPresent: true)
        return kind.placeholder
    }

    private func register<Value>(
        _ name: String, _ kind: ConfigKind<Value>, standard: String?, isRequired: Bool, doc: String
    ) {
        file.ask(name, in: path)
        file.register(
            ConfigKey(
                path: join(general, name), kind: kind.wanted, standard: standard, isRequired: isRequired, doc: doc))
    }

    private func full(_ name: String) -> String { join(path, name) }
    private func join(_ table: String, _ name: String) -> String { table.isEmpty ? name : "\(table).\(name)" }
}
