internal import Directory
internal import WireFormat

/// What a node is called in addresses: its nickname and its id.
struct NodeNames: Sendable {
    private let nickname: String
    private let id: String

    init(nickname: Nickname, id: NodeID) {
        self.nickname = nickname.folded
        self.id = id.hex
    }

    /// Both, in lower case.
    var all: Set<String> { [nickname, id] }

    /// Whether the part of an address behind the @ names this node.
    func contains(_ host: String) -> Bool {
        let host = host.lowercased()
        return host == nickname || host == id
    }
}
