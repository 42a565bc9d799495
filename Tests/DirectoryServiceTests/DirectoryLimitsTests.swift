import Directory
import DirectoryService
import Testing

/// A vote on the largest network must fit.
@Test func documentsOfAuthoritiesFit() { #expect(DirectoryLimits.documentSize >= 2000 * 300) }
