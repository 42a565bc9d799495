/// Something that whoever runs the authority should know or do.
struct HealthWarning: Codable, Sendable, Equatable {
    var level: Level
    /// A word for programs: `consensus-old`.
    var code: String
    /// What is so, in a sentence.
    var text: String
    /// What to do, in a sentence; empty if nothing.
    var advice: String

    init(_ level: Level, _ code: String, _ text: String, advice: String = "") {
        self.level = level
        self.code = code
        self.text = text
        self.advice = advice
    }

    /// How bad it is.
    enum Level: String, Codable, Sendable, Comparable {
        /// Nothing to do.
        case note
        /// Somebody should look at it within days.
        case attend
        /// There is no new consensus or soon will be none, or keys are misused.
        case urgent

        private var rank: Int {
            switch self {
            case .note: 0
            case .attend: 1
            case .urgent: 2
            }
        }

        static func < (left: Level, right: Level) -> Bool { left.rank < right.rank }
    }
}
