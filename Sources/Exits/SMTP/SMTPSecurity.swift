// TLS towards the mail server. The only file that knows certificates.

internal import NIOCore
internal import NIOSSL

/// Makes the TLS handler of a connection from the settings.
struct SMTPSecurity: Sendable {
    private let context: NIOSSLContext?
    private let serverName: String?

    /// Reads the certificate authorities, so that a missing file is found at start and not at the first mail.
    init(_ settings: SMTPSettings) throws(SMTPSettingsError) {
        // An address is no name: it is not sent, and it is the certificate's addresses that count.
        let isAddress = (try? SocketAddress(ipAddress: settings.host, port: 0)) != nil
        serverName = isAddress ? nil : settings.host
        guard settings.security != .none else {
            context = nil
            return
        }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if settings.security == .opportunistic || settings.trust == .anything {
            configuration.certificateVerification = .none
        } else if case .file(let path) = settings.trust {
            configuration.trustRoots = .file(path)
        }
        do {
            context = try NIOSSLContext(configuration: configuration)
        } catch {
            if case .file(let path) = settings.trust { throw .trustFile(path) }
            throw .trustStore
        }
    }

    /// A handler for one connection.
    func handler() throws -> NIOSSLClientHandler {
        guard let context else { throw SMTPSettingsError.trustStore }
        return try NIOSSLClientHandler(context: context, serverHostname: serverName)
    }
}

/// What is wrong with an exit's mail settings.
public enum SMTPSettingsError: Error, Hashable, CustomStringConvertible {
    case trustFile(String)
    case trustStore
    case helloName(String)
    case host(String)
    case port(Int)

    public var description: String {
        switch self {
        case .trustFile(let path):
            "cannot read certificates from \(path): give a pem file, or leave it out to use the system's"
        case .trustStore:
            "cannot read the system's certificate authorities: install ca-certificates, or name a pem file"
        case .helloName(let name):
            "the mail host name \"\(name)\" is not a host name: give the exit's full name, such as exit.example.org"
        case .host(let host): "the mail server \"\(host)\" is neither a host name nor an address"
        case .port(let port): "the mail server's port \(port) is not between 1 and 65535"
        }
    }
}

extension SMTPSettings {
    /// Checks what would otherwise show only at the first mail, or break out of a command.
    func check() throws(SMTPSettingsError) {
        guard MailRecipient.isHost(Array(helloName.utf8)[...]) else { throw .helloName(helloName) }
        guard socket == nil else { return }
        guard MailRecipient.isHost(Array(host.utf8)[...]) || (try? SocketAddress(ipAddress: host, port: 0)) != nil
        else {
            throw .host(host)
        }
        guard (1...65_535).contains(port) else { throw .port(port) }
    }
}
