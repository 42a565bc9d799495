// Places of an authority, for tests: it is killed there and must never say two things in a slot.

extension CrashPoint {
    /// The own vote is recorded, nobody has it.
    public static let authorityVoteRecorded = CrashPoint("authority-vote-recorded")
    /// The own vote is at one other authority.
    public static let authorityVoteSent = CrashPoint("authority-vote-sent")
    /// The own proposal is recorded, nobody has it.
    public static let authorityProposalRecorded = CrashPoint("authority-proposal-recorded")
    /// The own proposal is at one other authority.
    public static let authorityProposalSent = CrashPoint("authority-proposal-sent")
    /// The own signature is recorded, nobody has it.
    public static let authoritySignatureRecorded = CrashPoint("authority-signature-recorded")
    /// The own signature is at one other authority.
    public static let authoritySignatureSent = CrashPoint("authority-signature-sent")
    /// A certified consensus is stored.
    public static let authorityCertified = CrashPoint("authority-certified")
}
