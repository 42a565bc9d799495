// What the client's keyring and its mail keys stand on: keys from passphrases, sealing to a public key, fingerprints.

import MixCrypto
import TestSupport
import Testing
import WireFormat

@Suite struct KeyringPrimitiveTests {
    private func secret(_ text: String) throws -> SecretBytes {
        var bytes = Array(text.utf8)
        return try SecretBytes(moving: &bytes)
    }

    @Test func thePassphraseDecidesTheKey() throws {
        var random = SeededRandom(seed: 31)
        let work = PasswordKey.new(protects: false, using: &random)
        #expect(work.isMinimal)
        let empty = try work.deriveFromNothing()
        let one = try work.derive(secret("one"))
        let again = try work.derive(secret("one"))
        let other = try PasswordKey.new(protects: false, using: &random).derive(secret("one"))
        func bytes(_ key: SymmetricSecret) -> [UInt8] { key.withBytes { Array($0) } }
        #expect(bytes(one) == bytes(again))
        #expect(Set([bytes(empty), bytes(one), bytes(other)]).count == 3, "salt and passphrase both count")
        #expect(bytes(one).count == 32)
    }

    @Test func knownAnswerOfArgon2id() throws {
        // Of the reference implementation's command: printf password | argon2 somesaltsomesalt -id -t 2 -k 64 -p 1
        let work = try PasswordKey(decoding: [0, 0, 0, 64, 0, 0, 0, 2] + Array("somesaltsomesalt".utf8))
        let key = try work.derive(secret("password"))
        #expect(key.withBytes { Hex.encode($0) } == "1a98fba8e6394425c9bdc333a9c750aaf811df070f5fb4a5788e1cf4db5793a1")
    }

    @Test func aPassphraseCostsTimeAndMemory() throws {
        var random = SeededRandom(seed: 32)
        let work = PasswordKey.new(protects: true, using: &random)
        #expect(work.memory == 64 << 10 && !work.isMinimal)
        let start = ContinuousClock.now
        _ = try work.derive(secret("correct horse"))
        let taken = ContinuousClock.now - start
        print("Argon2id of \(work.memory) KiB, \(work.passes) passes: \(taken)")
        #expect(taken > .milliseconds(50))
    }

    @Test func whatAFileAsksForIsBounded() throws {
        let salt = [UInt8](repeating: 7, count: 16)
        func work(_ memory: UInt32, _ passes: UInt32) throws -> PasswordKey {
            var writer = WireWriter()
            writer.integer(memory)
            writer.integer(passes)
            return try PasswordKey(decoding: writer.bytes + salt)
        }
        #expect(try work(64 << 10, 8).memory == 65_536)
        #expect(try work(1 << 20, 16).passes == 16)
        for (memory, passes): (UInt32, UInt32) in [
            (100 << 20, 1), (.max, .max), (7, 1), (8, 0), (0, 0), (1 << 20, 17), (8, 65),
        ] {
            #expect(throws: CryptoError.malformed, "\(memory) KiB, \(passes) passes") { try work(memory, passes) }
        }
        #expect(throws: CryptoError.malformed) { try PasswordKey(decoding: [1, 2, 3]) }
        let whole = try work(64, 3)
        #expect(try PasswordKey(decoding: whole.encoded) == whole)
    }

    @Test func mailIsForTheKeysOwnerAlone() throws {
        let (mine, other) = (try KEMPrivateKey(seed: .random(count: 32)), try KEMPrivateKey(seed: .random(count: 32)))
        for mail in [[], Array("Hello".utf8), [UInt8](repeating: 9, count: 300_000)] {
            let sealed = try MailSeal.seal(mail, to: mine.publicKey)
            #expect(sealed.count == mail.count + MailSeal.overhead)
            #expect(try MailSeal.open(sealed, with: mine) == mail)
            #expect(throws: CryptoError.notAuthentic) { try MailSeal.open(sealed, with: other) }
            #expect(try MailSeal.seal(mail, to: mine.publicKey) != sealed, "every sealing is another")
        }
        let sealed = try MailSeal.seal(Array("Hello".utf8), to: mine.publicKey)
        for index in [0, 31, 1087, 1100, 1119, 1120, sealed.count - 1] {
            var changed = sealed
            changed[index] ^= 1
            #expect(throws: CryptoError.notAuthentic, "byte \(index)") { try MailSeal.open(changed, with: mine) }
        }
        #expect(throws: CryptoError.malformed) { try MailSeal.open(Array(sealed.prefix(1135)), with: mine) }
        #expect(throws: CryptoError.malformed) { try MailSeal.open([], with: mine) }
    }

    @Test func fingerprintsAreReadAsPeopleWriteThem() throws {
        let key = try KEMPrivateKey(seed: .random(count: 32)).publicKey
        let fingerprint = key.fingerprint
        let text = fingerprint.description
        #expect(text.hasPrefix("njk1-") && text.count == 4 + 9 * 5)
        #expect(try KeyFingerprint(text) == fingerprint)
        #expect(try KeyFingerprint(text.uppercased()) == fingerprint)
        #expect(try KeyFingerprint(text.replacing("-", with: " ")) == fingerprint)
        #expect(
            try KeyFingerprint("njk1" + text.dropFirst(4).replacing("o", with: "0").replacing("l", with: "1"))
                == fingerprint)
        #expect(try KEMPrivateKey(seed: .random(count: 32)).publicKey.fingerprint != fingerprint)
        for wrong in ["", "njk1", "njk2" + text.dropFirst(4), text + "a", String(text.dropLast()), text + "-é"] {
            #expect(throws: CryptoError.malformed, "\(wrong)") { try KeyFingerprint(wrong) }
        }
    }

    @Test func everySlipOfOneLetterIsFound() throws {
        let text = try KEMPrivateKey(seed: .random(count: 32)).publicKey.fingerprint.description
        var missed = 0
        var tried = 0
        for position in text.indices where position > text.index(text.startIndex, offsetBy: 4) && text[position] != "-"
        {
            for letter in "abcdefghijklmnopqrstuvwxyz234567" where letter != text[position] {
                var changed = text
                changed.replaceSubrange(position...position, with: String(letter))
                tried += 1
                if (try? KeyFingerprint(changed)) != nil { missed += 1 }
            }
        }
        #expect(tried == 36 * 31)
        #expect(missed <= 1, "20 bits of check: one slip in a million is missed")
    }

    @Test func secretsAreOpenedIntoLockedMemory() throws {
        let key = SymmetricSecret.random()
        let nonce = [UInt8](repeating: 1, count: 12)
        let sealed = try SealedBox.seal(Array("secret".utf8), key: key, nonce: nonce, authenticating: [5])
        let opened = try SealedBox.openSecret(sealed, key: key, nonce: nonce, authenticating: [5])
        #expect(opened.withBytes { Array($0) } == Array("secret".utf8))
        #expect(throws: CryptoError.notAuthentic) {
            _ = try SealedBox.openSecret(sealed, key: key, nonce: nonce, authenticating: [6])
        }
        #expect(throws: CryptoError.malformed) { _ = try SealedBox.openSecret([1], key: key, nonce: nonce) }
    }
}
