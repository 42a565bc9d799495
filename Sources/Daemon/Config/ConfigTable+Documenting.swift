extension ConfigTable {
    /// Whether settings are only being listed, with no file at all: a program then asks for everything that it knows,
    /// also what it would skip because another setting is missing.
    public var isDocumenting: Bool { file.isDocumenting }
}
