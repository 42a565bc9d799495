// Reads a TOML file and gathers everything that is wrong with it. A program takes its settings out of `root` one by one,
// each with its default and a sentence on what it does, and then calls `finish`, which throws all problems at once: wrong
// kinds and values, missing settings, and every key that nobody asked for.

/// A configuration file being read.
public final class ConfigFile {
    /// The file as messages call it.
    public let name: String
    /// Every setting that was asked for, in that order.
    public private(set) var keys: [ConfigKey] = []

    let context: ConfigContext
    /// With no file at all: arrays of tables then show one element, so that its keys are known.
    let isDocumenting: Bool
    private let values: [String: ConfigValue]
    private let lines: ConfigLines
    private var problems: [ConfigProblem] = []
    /// Paths that were asked for, with the numbers of array elements.
    private var asked: Set<String> = []
    /// Names that were asked for, by the path of their table.
    private var namesByTable: [String: Set<String>] = [:]

    /// Longer files are refused.
    public static let sizeLimit = 1 << 20

    /// Reads the file at `path`. Throws if it cannot be read or is not TOML.
    public convenience init(path: String) throws {
        let bytes: [UInt8]
        do {
            bytes = try AtomicFile.read(path, limit: Self.sizeLimit)
        } catch {
            throw CommandFailure(error.message, code: .usage)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CommandFailure("\(path) is not text in UTF-8", code: .usage)
        }
        let directory = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        try self.init(text: text, name: path, directory: directory)
    }

    /// Reads `text`.
    /// - Parameters:
    ///   - name: the file as messages call it.
    ///   - directory: where relative paths start.
    public init(text: String, name: String, directory: String = ".") throws(ConfigError) {
        self.name = name
        context = ConfigContext(directory: directory)
        isDocumenting = false
        lines = ConfigLines(text)
        do throws(ConfigSyntaxError) {
            if let line = lines.badBracket {
                throw ConfigSyntaxError(line: line, message: "the brackets do not fit together")
            }
            values = try ConfigValue.parse(text)
        } catch {
            throw ConfigError(file: name, problems: [ConfigProblem(line: error.line, message: error.message)])
        }
    }

    private init(documenting: Void) {
        name = "configuration"
        context = ConfigContext(directory: ".")
        isDocumenting = true
        values = [:]
        lines = ConfigLines("")
    }

    /// Every setting that `read` asks for, without any file.
    public static func keys(_ read: (ConfigTable) throws -> Void) rethrows -> [ConfigKey] {
        let file = ConfigFile(documenting: ())
        try read(file.root)
        return file.keys
    }

    /// The file's top level.
    public var root: ConfigTable { ConfigTable(file: self, path: "", general: "", values: values) }

    /// Throws everything that is wrong, if anything is.
    public func finish() throws(ConfigError) {
        guard !isDocumenting else { return }
        findUnknown(in: values, path: "")
        guard problems.isEmpty else { throw ConfigError(file: name, problems: problems) }
    }

    // MARK: For tables

    func report(_ path: String, _ message: String, isPresent: Bool) {
        problems.append(ConfigProblem(line: isPresent ? lines.line(of: path) : nil, message: message))
    }

    func ask(_ name: String, in table: String) {
        asked.insert(table.isEmpty ? name : "\(table).\(name)")
        namesByTable[table, default: []].insert(name)
    }

    func register(_ key: ConfigKey) {
        if !keys.contains(where: { $0.path == key.path }) { keys.append(key) }
    }

    // MARK: Unknown keys

    private func findUnknown(in table: [String: ConfigValue], path: String) {
        for (name, value) in table {
            let full = path.isEmpty ? name : "\(path).\(name)"
            guard asked.contains(full) else {
                reportUnknown(name, value, in: path, full: full)
                continue
            }
            switch value {
            case .table(let inner): if namesByTable[full] != nil { findUnknown(in: inner, path: full) }
            case .array(let elements):
                for (index, element) in elements.enumerated() {
                    if case .table(let inner) = element, namesByTable["\(full)[\(index)]"] != nil {
                        findUnknown(in: inner, path: "\(full)[\(index)]")
                    }
                }
            default: break
            }
        }
    }

    private func reportUnknown(_ name: String, _ value: ConfigValue, in table: String, full: String) {
        var isTable = false
        if case .table = value { isTable = true }
        var message = isTable ? "there is no table [\(full)]" : "there is no setting '\(name)'"
        if !isTable, !table.isEmpty { message += " in [\(table)]" }
        if let near = Suggestion.nearest(to: name, among: (namesByTable[table] ?? []).sorted()) {
            message += "; did you mean '\(near)'?"
        } else if let place = namesByTable.filter({ $0.value.contains(name) }).keys.min() {
            message += place.isEmpty ? "; it belongs above the first table" : "; it belongs under [\(place)]"
        }
        report(full, message, isPresent: true)
    }
}
