/// Changes of inputs for a test that has no fuzzer.
public enum FuzzMutation {
    /// `bytes` with one to four changes behind the first byte: a byte, a piece that goes, comes twice, or comes from elsewhere.
    public static func change(_ bytes: [UInt8], using random: inout some RandomNumberGenerator) -> [UInt8] {
        var changed = bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            guard changed.count > 1 else { return changed + [UInt8.random(in: 0...255, using: &random)] }
            let place = Int.random(in: 1..<changed.count, using: &random)
            let end = min(changed.count, place + Int.random(in: 1...32, using: &random))
            switch Int.random(in: 0..<6, using: &random) {
            case 0: changed[place] = UInt8.random(in: 0...255, using: &random)
            case 1: changed[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 2: changed[place] = [0, 1, 0x0A, 0x0D, 0x20, 0x7F, 0x80, 0xFF].randomElement(using: &random) ?? 0
            case 3: changed.removeSubrange(place..<end)
            case 4: changed.insert(contentsOf: changed[place..<end], at: place)
            default:
                let from = Int.random(in: 1..<changed.count, using: &random)
                changed.insert(contentsOf: changed[from..<min(changed.count, from + end - place)], at: place)
            }
        }
        return changed
    }
}
