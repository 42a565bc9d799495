// What a node says of itself, and when it says it anew.

internal import Directory
internal import DirectoryService
internal import MixCrypto
internal import Mixing
internal import Sphinx
internal import WireFormat

/// The contents of a node's descriptor, and when a new one is due. Pure.
struct DescriptorMaker: Sendable {
    /// A descriptor is made anew after this, less a part of a quarter that hangs on the node, so that not all come at once.
    static let interval = Interval.hours(12)
    /// How long one is valid: long enough that authorities which are out of reach for days do not lose the node.
    static let validity = Interval.days(6)

    let settings: NodeSettings
    let network: String
    let calendar: KeyPeriodCalendar
    /// Nil for as long as its keys: where nobody fetches descriptors, nobody wants to make a new consensus for each.
    let validity: Interval?

    init(settings: NodeSettings, root: NetworkFile) {
        self.settings = settings
        network = root.name
        calendar = NetworkParameters(root: root.parameters).calendar
        validity = root.directoryURLs.isEmpty ? nil : Self.validity
    }

    /// What the descriptor is to say at `now`.
    /// - Parameters:
    ///   - keys: the packet keys of the current period and later.
    ///   - optOuts: digest of the node's statement of opt-outs.
    func fields(
        keys: [KeyPeriod: KEMPublicKey], isLeaving: Bool, optOuts: Digest? = nil, at now: Timestamp
    ) -> DescriptorFields {
        let whole = Timestamp(seconds: now.seconds)
        let keysEnd = keys.keys.max().map(calendar.end(of:)) ?? whole
        // Never longer than its keys: nobody could make a packet with the rest of it.
        let end = Timestamp(seconds: min(validity.map { whole + $0 } ?? keysEnd, keysEnd).seconds)
        return DescriptorFields(
            network: network, nickname: settings.nickname, addresses: settings.addresses, published: whole,
            validUntil: max(end, whole + .seconds(1)), keys: keys, capabilities: settings.capabilities,
            nymDomains: settings.exit?.nyms.map(\.published) ?? [], optOuts: optOuts,
            mixing: settings.strategy.description.split(separator: " ").map(String.init),
            weaknesses: settings.weaknessNames, family: settings.family, contact: settings.contact,
            software: NodeVersion.text, isLeaving: isLeaving)
    }

    /// Whether `current` has to be replaced by one that says `wanted`.
    func isDue(_ current: Descriptor?, wanted: DescriptorFields, at now: Timestamp) -> Bool {
        guard let current else { return true }
        return !current.fields.saysTheSame(as: wanted) || renewal(of: current) <= now
            || current.fields.published > now + .hours(1)
    }

    /// When a descriptor is due to be made anew if nothing changes.
    func renewal(of descriptor: Descriptor) -> Timestamp {
        let life = descriptor.fields.validUntil - descriptor.fields.published
        let interval = min(Self.interval, .milliseconds(life.milliseconds / 2))
        let share = descriptor.digest.bytes.first.map(Int64.init) ?? 0
        return descriptor.fields.published + .milliseconds(interval.milliseconds * (1024 - share) / 1024)
    }
}

extension DescriptorFields {
    /// Whether two descriptors differ in their dates alone.
    func saysTheSame(as other: DescriptorFields) -> Bool {
        network == other.network && nickname == other.nickname && addresses == other.addresses
            && keys.mapValues(\.bytes) == other.keys.mapValues(\.bytes)
            && capabilities.sorted { $0.name < $1.name } == other.capabilities.sorted { $0.name < $1.name }
            && optOuts == other.optOuts
            && nymDomains.sorted { $0.domain < $1.domain } == other.nymDomains.sorted { $0.domain < $1.domain }
            && mixing == other.mixing && weaknesses.sorted() == other.weaknesses.sorted()
            && family.sorted() == other.family.sorted()
            && contact.split(separator: " ") == other.contact.split(separator: " ") && software == other.software
            && isLeaving == other.isLeaving
    }
}
