// One connection through `SOCKSRelay`, until it is established: reads our client's request, connects to the proxy, speaks
// SOCKS5 with it, and answers. Everything happens on one event loop.

internal import MixCrypto
internal import NIOCore
internal import NIOPosix
internal import WireFormat

/// The side of our client.
final class RelayFront {
    let end = RelayEnd()

    private let back = RelayEnd()
    private let proxy: ProxySettings
    private let expected: Digest
    private let connectTimeout: TimeAmount
    private var head: [UInt8] = []
    private var handshake: SOCKSHandshake?

    /// `expected` is the SHA-256 of the authorization that the client must bring.
    init(proxy: ProxySettings, expected: Digest, connectTimeout: TimeAmount) {
        self.proxy = proxy
        self.expected = expected
        self.connectTimeout = connectTimeout
    }

    /// Waits for the request. The channel keeps this value alive until the connection is established or has ended.
    func start(_ channel: any Channel) {
        let timeout = channel.eventLoop.assumeIsolated().scheduleTask(in: connectTimeout) { [end, back] in
            back.end()
            end.end()
        }
        end.onBytes = { bytes in self.read(bytes, channel, timeout) }
        end.onEnd = { [back] in
            timeout.cancel()
            back.end()
        }
    }

    private func read(_ bytes: [UInt8], _ channel: any Channel, _ timeout: Scheduled<Void>) {
        guard handshake == nil else { return end.end() }  // The client speaks before it was answered.
        head += bytes
        do {
            guard let request = try ConnectRequest.read(head) else { return }
            guard Digest.sha256(request.authorization) == expected else {
                return refuse("407 Proxy Authentication Required")
            }
            let credentials = proxy.user.map { (user: $0, password: proxy.password) }
            guard let handshake = SOCKSHandshake(host: request.host, port: request.port, credentials: credentials)
            else {
                return refuse("400 Bad Request")
            }
            self.handshake = handshake
        } catch {
            return refuse("400 Bad Request")
        }
        ClientBootstrap(group: channel.eventLoop).connectTimeout(connectTimeout)
            .connect(host: proxy.host, port: proxy.port).assumeIsolated()
            .whenComplete { result in
                guard case .success(let outside) = result else { return self.refuse("502 Bad Gateway") }
                guard channel.isActive else { return outside.close(promise: nil) }
                self.speak(outside, timeout)
            }
    }

    private func speak(_ outside: any Channel, _ timeout: Scheduled<Void>) {
        do {
            try outside.pipeline.syncOperations.addHandler(back)
        } catch {
            outside.close(promise: nil)
            return refuse("502 Bad Gateway")
        }
        back.onEnd = { [end] in end.end() }
        back.onBytes = { bytes in self.handshake(bytes, timeout) }
        if let handshake { back.send(handshake.greeting) }
    }

    private func handshake(_ bytes: [UInt8], _ timeout: Scheduled<Void>) {
        do throws(SOCKSHandshake.Failure) {
            switch try handshake?.receive(bytes) {
            case .send(let answer): back.send(answer)
            case .established(let rest):
                timeout.cancel()
                end.join(back)
                end.send(Array("HTTP/1.1 200 OK\r\n\r\n".utf8) + rest)
            case .wait, nil: break
            }
        } catch {
            refuse(error == .credentials ? "407 Proxy Authentication Required" : "502 Bad Gateway")
        }
    }

    private func refuse(_ status: String) {
        end.onBytes = nil
        end.end(Array("HTTP/1.1 \(status)\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".utf8))
    }
}
