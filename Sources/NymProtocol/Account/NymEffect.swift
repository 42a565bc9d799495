/// What the server has to do for a request, beside keeping the account's new value; all of it in one transaction.
public enum NymEffect: Hashable, Sendable {
    /// Reply blocks of generations before this one are erased, but for the one of each that would have been spent next:
    /// through it a status goes that tells of the new generation.
    case wipeBlocks(before: UInt32)
    /// Reply blocks, 7,224 bytes each, are added; of a generation before the account's a single one.
    case addBlocks(generation: UInt32, [[UInt8]])
    /// These items are forgotten, with their synopses.
    case forget([UInt64])
    /// These bytes of items are wanted.
    case want([NymRange])
    /// The synopses of all mails that are held are wanted.
    case wantSynopses
    /// This mail goes out; recipients who declined are left out already.
    case sendMail(NymMail)
    case addAlias(NymName)
    /// The name is given to nobody again.
    case removeAlias(NymName)
    /// The account closes: all items and outgoing mails are erased now, the rest on the day `NymAccount.closesOn`.
    case wipeItems
}

/// What becomes of a request that creates an account.
public enum NymCreationOutcome: Sendable {
    /// An account, with the effects of the request's other commands.
    case created(NymAccount, [NymEffect])
    /// None; one packet with this status through a reply block of the request says why.
    case refused(NymStatus)
}

/// What becomes of a mail for a nym.
public enum NymArrival: Hashable, Sendable {
    /// It is sent as it is.
    case whole
    /// Its synopsis is sent; the mail is held.
    case synopsis
    /// Mail and synopsis are held.
    case held
    /// Refused: the account has no room.
    case full
    /// Refused: larger than the server takes.
    case tooLarge
    /// Refused: the account is closing.
    case closed
}
