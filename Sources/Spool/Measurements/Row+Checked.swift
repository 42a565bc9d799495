// Values out of rows that may be damaged. GRDB's own subscripts trap where a value is missing or has another type; a file that
// went bad on its disk must be told instead.

internal import GRDB

extension Row {
    /// A number; nil if there is none. Throws what becomes `damaged` if it is something else.
    func maybeInteger(_ column: Int) throws -> Int64? {
        switch (self[column] as DatabaseValue).storage {
        case .null: return nil
        case .int64(let number): return number
        default: throw DatabaseError(resultCode: .SQLITE_CORRUPT)
        }
    }

    /// A number that must be there.
    func integer(_ column: Int) throws -> Int64 {
        guard let number = try maybeInteger(column) else { throw DatabaseError(resultCode: .SQLITE_CORRUPT) }
        return number
    }

    func int(_ column: Int) throws -> Int { Int(try integer(column)) }

    func maybeInt(_ column: Int) throws -> Int? { try maybeInteger(column).map { Int($0) } }

    /// A text; nil if there is none.
    func maybeText(_ column: Int) throws -> String? {
        switch (self[column] as DatabaseValue).storage {
        case .null: return nil
        case .string(let text): return text
        default: throw DatabaseError(resultCode: .SQLITE_CORRUPT)
        }
    }

    /// A text that must be there.
    func text(_ column: Int) throws -> String {
        guard let text = try maybeText(column) else { throw DatabaseError(resultCode: .SQLITE_CORRUPT) }
        return text
    }
}
