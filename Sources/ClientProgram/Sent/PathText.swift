internal import Directory

extension PathSpecification {
    /// The specification in the language that it is read in.
    var text: String {
        elements.map { element in
            switch element {
            case .node(let name): name
            case .random(let count): count == 1 ? "?" : "*\(count)"
            case .about(let count): "~\(count)"
            case .fill: "*"
            case .oneOf(let names): "{\(names.joined(separator: "|"))}"
            }
        }.joined(separator: ",")
    }
}
