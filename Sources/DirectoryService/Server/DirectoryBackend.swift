/// What stands behind a `DirectoryServer`: an authority, or a directory of files. Called by many requests at once; the
/// server has bounded their number and the size of what they bring, and nothing else.
public protocol DirectoryBackend: Sendable {
    /// What is served at `route`; nil if there is no such thing. An error is answered with 500 and told to nobody.
    func served(_ route: DirectoryRoute) async throws -> ServedDocument?

    /// Takes a document that anybody may have posted: at most `kind.mostBytes` bytes, of any content.
    func receive(_ bytes: [UInt8], as kind: DirectoryUpload) async -> UploadVerdict
}
