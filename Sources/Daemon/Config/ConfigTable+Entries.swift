extension ConfigTable {
    /// Every setting of a table whose names are the user's own, sorted by name; those with a wrong value are reported and
    /// left out.
    /// - Parameter like: stands for a name in the sample and the manual.
    public func entries<Value>(
        _ kind: ConfigKind<Value>, like: String, doc: String
    ) -> [(name: String, value: Value)] {
        guard !isDocumenting else {
            _ = optional(like, kind, doc: doc)
            return []
        }
        return values.keys.sorted().compactMap { name in
            let value = optional(name, kind, doc: doc)
            guard let given = values[name], kind.read(given, file.context) != nil else { return nil }
            return value.map { (name, $0) }
        }
    }
}
