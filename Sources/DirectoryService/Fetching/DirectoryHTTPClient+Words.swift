// What went wrong underneath, in our own words.

internal import AsyncHTTPClient
internal import Daemon
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL

extension DirectoryHTTPClient {
    /// The words for an error of an exchange.
    func words(for error: any Error) -> FetchError {
        switch error {
        case let error as FetchError: return error
        case is CancellationError: return .cancelled
        case let error as HTTPClientError: return words(for: error)
        case let error as NIOConnectionError: return unreachable(Self.reason(error))
        case let error as IOError: return unreachable(SystemError(number: error.errnoCode).reason)
        case ChannelError.connectTimeout: return unreachable("no answer")
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            return .insecure(
                "the server has no certificate for this name that this system trusts, or speaks no TLS 1.2")
        default:
            // The SOCKS client's own errors; their names are nothing for people.
            if proxy?.kind == .socks5 {
                return .proxy("the SOCKS5 proxy refused, or could not reach or resolve the host")
            }
            return Self.ending(error)
        }
    }

    /// The words for an error while the answer came in.
    static func ending(_ error: any Error) -> FetchError {
        if error is CancellationError { return .cancelled }
        if error is IOError || error is ChannelError { return .closed }
        if case HTTPParserError.invalidEOFState = error { return .closed }
        switch error as? HTTPClientError {
        case .readTimeout, .writeTimeout, .deadlineExceeded: return .timeout
        case .cancelled: return .cancelled
        case .remoteConnectionClosed: return .closed
        default: return .malformed("it is not valid HTTP")
        }
    }

    private func words(for error: HTTPClientError) -> FetchError {
        switch error {
        case .connectTimeout, .tlsHandshakeTimeout: unreachable("no answer in time")
        case .readTimeout, .writeTimeout, .deadlineExceeded, .getConnectionFromPoolTimeout: .timeout
        case .socksHandshakeTimeout, .httpProxyHandshakeTimeout: .proxy("it does not answer in time")
        case .proxyAuthenticationRequired: .proxy("it wants another user and password")
        case .invalidProxyResponse: .proxy("it refused, or could not reach or resolve the host")
        case .remoteConnectionClosed: .closed
        case .cancelled: .cancelled
        case .invalidURL, .emptyHost, .emptyScheme: .badURL("it has no valid form")
        default: .malformed("it is not valid HTTP")
        }
    }

    /// With a proxy it is the proxy that was not reached: nothing else is ever connected to.
    private func unreachable(_ reason: String) -> FetchError {
        proxy == nil ? .unreachable(reason) : .proxy("cannot connect to \(proxy?.description ?? "it"): \(reason)")
    }

    private static func reason(_ error: NIOConnectionError) -> String {
        if error.connectionErrors.isEmpty, error.dnsAError != nil || error.dnsAAAAError != nil {
            return "the name \(error.host) cannot be resolved"
        }
        guard let first = error.connectionErrors.first else { return "no address answered" }
        guard let system = first.error as? IOError else { return "no answer in time" }
        return SystemError(number: system.errnoCode).reason
    }
}
