/// Columns for people, padded with blanks.
public struct TextTable: Sendable {
    private var rows: [[String]]

    public init(_ header: [String]) { rows = [header] }

    /// Adds a row; cells that are missing at its end are empty.
    public mutating func add(_ row: [String]) { rows.append(row) }

    /// The lines; none ends in blanks.
    public var lines: [String] {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                line += cell
                if column < row.count - 1 { line += String(repeating: " ", count: widths[column] - cell.count + 2) }
            }
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}
