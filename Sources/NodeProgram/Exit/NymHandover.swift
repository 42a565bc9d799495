internal import Directory
internal import Exits
internal import MixCrypto

/// A domain of nyms whose mail this exit hands to its nymserver.
struct NymHandover: Hashable, Sendable {
    /// As the descriptor names it.
    let published: NymDomain
    /// Where the nymserver listens.
    let deliver: LMTPAddress

    var domain: String { published.domain }
}
