// How each error ends the program: its words, and one of the five exit codes.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Messages
internal import MixCrypto
internal import Spool

extension CommandFailure {
    /// Any error that the client meets.
    init(client error: any Error) {
        switch error {
        case let error as SpoolError: self.init("the queue: \(error)", code: Self.code(of: error))
        case let error as PathError: self.init(error.description, code: Self.code(of: error))
        case let error as NetworkFileError: self.init(error.description, code: .refused)
        case let error as ConsensusError: self.init(error.description, code: Self.code(of: error))
        case let error as FetchError: self.init(error.description, code: Self.code(of: error))
        case let error as AddressError: self.init(error.description, code: .usage)
        case let error as EnvelopeError: self.init(error.description, code: .usage)
        case let error as OutgoingMailError: self.init(error.description, code: .refused)
        case let error as MessageError: self.init(error.description, code: Self.isTooLarge(error) ? .refused : .failed)
        case CryptoError.noLockedMemory:
            self.init("there is no locked memory left for keys; raise the limit with ulimit -l", code: .failed)
        default: self.init(wrapping: error)
        }
    }

    private static func isTooLarge(_ error: MessageError) -> Bool {
        if case .bodyTooLarge = error { true } else { false }
    }

    private static func code(of error: SpoolError) -> ExitCode {
        switch error {
        case .inUse, .busy: .temporary
        default: .failed
        }
    }

    private static func code(of error: PathError) -> ExitCode {
        switch error {
        case .syntax, .unknownNode, .tooLong, .tooShort: .usage
        case .blockedNode, .blockedEntry, .blockedExit, .repeated, .sameFamily, .sameNetwork, .brokenLink, .badNode:
            .refused
        case .expiredNode, .noKey, .notRunning: .temporary
        case .noExit, .noOpenExit, .cannotRelay, .cannotExit, .notEnoughNodes, .notFound: .failed
        }
    }

    private static func code(of error: FetchError) -> ExitCode {
        switch error {
        case .badURL, .badProxy: .usage
        default: error.isTemporary ? .temporary : .failed
        }
    }

    private static func code(of error: ConsensusError) -> ExitCode {
        switch error {
        case .expired, .notYet: .temporary
        case .document: .failed
        default: .refused
        }
    }
}
