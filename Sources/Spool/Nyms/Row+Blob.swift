internal import GRDB

extension Row {
    /// A blob that must be there; throws what becomes `damaged` if it is something else.
    func bytes(_ column: Int) throws -> [UInt8] {
        switch (self[column] as DatabaseValue).storage {
        case .blob(let data): return [UInt8](data)
        default: throw DatabaseError(resultCode: .SQLITE_CORRUPT)
        }
    }

    /// A number that is never below zero.
    func count(_ column: Int) throws -> UInt64 {
        guard let value = UInt64(exactly: try integer(column)) else { throw DatabaseError(resultCode: .SQLITE_CORRUPT) }
        return value
    }

    func small<T: FixedWidthInteger>(_ column: Int, _ type: T.Type = T.self) throws -> T {
        guard let value = T(exactly: try integer(column)) else { throw DatabaseError(resultCode: .SQLITE_CORRUPT) }
        return value
    }
}
