/// A table with a caption. Where the page is narrow each row becomes a block with the columns' names before the cells;
/// the roles keep it a table for those who have it read to them.
public struct PageTable: Sendable {
    /// What the table shows.
    public var caption: HTML
    /// Names of the columns, the one of the rows' headings first.
    public var columns: [String]
    /// Only as wide as what is in it.
    public var isNarrow = false
    /// A class of the program's own style sheet.
    public var style = ""
    private var rows: HTML = ""
    /// Rows.
    public private(set) var count = 0

    public init(_ caption: HTML, columns: [String]) {
        self.caption = caption
        self.columns = columns
    }

    /// Adds a row; its first cell is its heading. `mark` is a class of the style sheet.
    public mutating func add(_ cells: [HTML], mark: String = "") {
        rows += mark.isEmpty ? "<tr role=\"row\">" : "<tr role=\"row\" class=\"\(mark)\">"
        for (index, cell) in cells.enumerated() {
            rows +=
                index == 0
                ? "<th scope=\"row\" role=\"rowheader\">\(cell)</th>"
                : "<td role=\"cell\" data-label=\"\(columns[index])\">\(cell)</td>"
        }
        rows += "</tr>\n"
        count += 1
    }

    /// The whole table.
    public var html: HTML {
        let heads = columns.map { "<th scope=\"col\" role=\"columnheader\">\($0)</th>" as HTML }
        let classes = [isNarrow ? "narrow" : "", style].filter { !$0.isEmpty }.joined(separator: " ")
        return """
            \(classes.isEmpty ? "<table role=\"table\">" : "<table role=\"table\" class=\"\(classes)\">" as HTML)
            <caption>\(caption)</caption>
            <thead role="rowgroup"><tr role="row">\(heads)</tr></thead>
            <tbody role="rowgroup">
            \(rows)</tbody>
            </table>

            """
    }
}
