// The password check of a gateway. The right password is known by a fast digest, so that wrong ones, however many some other
// user of this machine sends, neither lock its owner out nor keep the machine busy.

internal import Exits
internal import MixCrypto
internal import WireFormat

/// Checks passwords.
actor GatewayLogin {
    private let user: String
    private let hash: PasswordHash
    /// `GatewayPassword.mark` of the right one.
    private var known: Digest?
    private var failures: [ContinuousClock.Instant] = []

    /// Wrong passwords in `window` until others are not even looked at.
    static let limit = 20
    static let window = Duration.seconds(600)
    /// How long the answer to a wrong one waits.
    private static let pause = Duration.milliseconds(500)

    /// - Parameter mark: of the password, from the time it was made; without one the right password is known after its first
    ///   use only.
    init(user: String, hash: PasswordHash, mark: Digest? = nil) {
        self.user = user
        self.hash = hash
        known = mark
    }

    func check(_ login: SubmissionLogin) async -> SubmissionReply {
        let digest = GatewayPassword.mark(login.password, hash: hash)
        let isUser = login.user == user
        if isUser, let known, known == digest { return Self.welcome }
        let now = ContinuousClock.now
        failures.removeAll { $0 + Self.window <= now }
        guard failures.count < Self.limit else {
            return SubmissionReply(454, "4.7.0", "too many wrong passwords; try again in ten minutes")
        }
        if hash.matches(login.password), isUser {
            known = digest
            return Self.welcome
        }
        failures.append(now)
        try? await Task.sleep(for: Self.pause)
        return SubmissionReply(
            535, "5.7.8", "wrong user name or password; a new password: nightjar gateway init --new-password")
    }

    private static let welcome = SubmissionReply(235, "2.7.0", "welcome")
}
