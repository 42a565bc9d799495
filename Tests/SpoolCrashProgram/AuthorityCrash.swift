// An authority that is killed: it votes, proposes and signs slot after slot, and says each time what it is about to send only
// after the store has it. Started again on the same database it tries to say something else.

import Glibc
import Spool
import WireFormat

enum AuthorityCrash {
    static func digest(_ act: OwnAct, _ slot: UInt64, _ variant: Int) -> Digest {
        var generator = SplitText("\(act) \(slot) \(variant)")
        return Digest.random(using: &generator)
    }

    /// Prints `sent ACT SLOT DIGEST` for all that went out, `refused ACT SLOT` for what the store refused.
    static func run(_ path: String, variant: Int, slots: UInt64) throws {
        let store = try AuthorityStore.open(path: path)
        for slot in 1...slots {
            for (act, recorded, sent) in [
                (OwnAct.vote, CrashPoint.authorityVoteRecorded, CrashPoint.authorityVoteSent),
                (.proposal, .authorityProposalRecorded, .authorityProposalSent),
                (.signature, .authoritySignatureRecorded, .authoritySignatureSent),
            ] {
                do throws(AuthorityStoreError) {
                    let record = try store.record(
                        act, slot: slot, digest: digest(act, slot, variant), bytes: [UInt8(variant)], by: "me")
                    CrashPoint.reached(recorded)
                    say("sent \(act) \(slot) \(record.digest)")
                    CrashPoint.reached(sent)
                } catch {
                    say("refused \(act) \(slot)")
                }
            }
        }
        store.close()
    }

    private static func say(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = bytes.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
    }
}

/// Numbers from a text.
private struct SplitText: RandomNumberGenerator {
    private var state: UInt64 = 0xCBF2_9CE4_8422_2325

    init(_ text: String) { for byte in text.utf8 { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 } }

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 29)
    }
}
