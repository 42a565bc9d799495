// QR codes on the terminal: two modules to a character, by half blocks.

internal import CQREncode

/// A QR code.
struct QRCode {
    /// Rows of modules, true for dark, without the quiet zone.
    let modules: [[Bool]]

    /// Modules of light around the code that readers need.
    private static let quiet = 4

    /// The smallest code with `text` at the lowest level of error correction; nil if it is longer than any code holds.
    /// Capital letters, digits and `$%*+-./:` take less room than others.
    init?(_ text: String) {
        guard let code = QRcode_encodeString(text, 0, QR_ECLEVEL_L, QR_MODE_8, 1) else { return nil }
        defer { QRcode_free(code) }
        let width = Int(code.pointee.width)
        guard width > 0, let data = code.pointee.data else { return nil }
        modules = (0..<width).map { row in (0..<width).map { data[row * width + $0] & 1 == 1 } }
    }

    /// Columns that the lines take.
    var columns: Int { modules.count + 2 * Self.quiet }

    /// The lines, quiet zone included.
    /// - Parameter colored: with the colours of a terminal, so that dark is dark on every one; without them the
    ///   characters' own colour is dark.
    func lines(colored: Bool) -> [String] {
        stride(from: -Self.quiet, to: modules.count + Self.quiet, by: 2).map { row in
            let line = (-Self.quiet..<modules.count + Self.quiet).map { column in
                switch (isDark(row, column), isDark(row + 1, column)) {
                case (true, true): "█"
                case (true, false): "▀"
                case (false, true): "▄"
                case (false, false): " "
                }
            }.joined()
            return colored ? "\u{1B}[38;5;16;48;5;231m\(line)\u{1B}[0m" : line
        }
    }

    private func isDark(_ row: Int, _ column: Int) -> Bool {
        modules.indices.contains(row) && modules.indices.contains(column) && modules[row][column]
    }
}
