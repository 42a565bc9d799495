// A mail that goes through an exit to a test address: text like a person's, with one sentence that nobody can guess, by which
// it is known when it arrives. The exit sees the address that it goes to and can learn it; the text gives nothing more away.

internal import MixCrypto
internal import WireFormat

/// A test mail and how it is known again.
struct TestMail: Hashable, Sendable {
    let subject: String
    /// Lines of ASCII that end in CRLF, at most 78 characters each.
    let body: [UInt8]
    /// Names the mail: 16 bytes of a hash of its secret sentence.
    let tag: [UInt8]

    /// Bytes of a tag.
    static let tagSize = 16

    /// Writes a mail.
    init(using generator: inout some RandomNumberGenerator) {
        let secret = Self.sentence(using: &generator)
        var sentences = (0..<Int.random(in: 1...6, using: &generator)).map { _ in Self.sentence(using: &generator) }
        sentences.insert(secret, at: Int.random(in: 0...sentences.count, using: &generator))
        subject = Words.pick(Words.subjects, &generator) + " " + Words.pick(Words.nouns, &generator)
        var lines = [Words.pick(Words.greetings, &generator) + ",", ""]
        lines += Self.wrapped(sentences.joined(separator: " "))
        lines += ["", Words.pick(Words.closings, &generator)]
        body = Array((lines.joined(separator: "\r\n") + "\r\n").utf8)
        tag = Self.tag(of: secret.dropLast().lowercased().split(separator: " ").map(String.init))
    }

    /// The tags of all sentences of a mail as it came that could be a test mail's, whatever was put around them; at most
    /// `maximumTags`. Anybody can send mail, and every tag is looked up: so only what has the form of our sentences gets one.
    static func tags(in mail: [UInt8]) -> [[UInt8]] {
        var tags: [[UInt8]] = []
        // The last words of the piece so far: what stands before the sentence, a greeting say, is cut off.
        var words: [Range<Int>] = []
        var begin: Int?
        for (index, byte) in mail.enumerated() {
            // Letters alone: lines may have been broken, and quoted, on the way.
            let isLetter = (65...90).contains(byte) || (97...122).contains(byte)
            if isLetter {
                begin = begin ?? index
                continue
            }
            if let start = begin {
                if words.count == wordCount { words.removeFirst() }
                words.append(start..<index)
                begin = nil
            }
            guard byte == UInt8(ascii: ".") else { continue }
            if let sentence = sentence(words, of: mail) {
                tags.append(tag(of: sentence))
                if tags.count == maximumTags { return tags }
            }
            words.removeAll(keepingCapacity: true)
        }
        return tags
    }

    /// Of further sentences nothing is looked up: a test mail has at most seven, and some programs give each twice.
    static let maximumTags = 32

    /// The words in lower case, if they can be a sentence of ours.
    private static func sentence(_ words: [Range<Int>], of mail: [UInt8]) -> [String]? {
        guard words.count == wordCount else { return nil }
        var sentence: [String] = []
        for (range, choice) in zip(words, Words.sentence) {
            guard range.count <= Words.longest else { return nil }
            let word = String(decoding: mail[range].lazy.map { $0 | 0x20 }, as: UTF8.self)
            guard choice.contains(word) else { return nil }
            sentence.append(word)
        }
        return sentence
    }

    /// Eight choices of 16 words and three of 8: 41 bits, for one mail of some thousands.
    private static func sentence(using generator: inout some RandomNumberGenerator) -> String {
        func half(_ generator: inout some RandomNumberGenerator) -> String {
            [
                Words.pick(Words.people, &generator), Words.pick(Words.verbs, &generator), "the",
                Words.pick(Words.adjectives, &generator), Words.pick(Words.nouns, &generator),
                Words.pick(Words.times, &generator),
            ].joined(separator: " ")
        }
        let first = half(&generator)
        return
            "\(first.prefix(1).uppercased())\(first.dropFirst()) \(Words.pick(Words.links, &generator)) \(half(&generator))."
    }

    /// Every sentence has so many words.
    private static let wordCount = 13

    /// - Parameter sentence: its words, in lower case.
    private static func tag(of sentence: [String]) -> [UInt8] {
        Array(Digest.sha256(Array(sentence.joined(separator: " ").utf8)).bytes.prefix(tagSize))
    }

    private static func wrapped(_ text: String) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if line.count + 1 + word.count > 72 {
                lines.append(line)
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        return lines + [line]
    }
}

/// What test mails are made of. One word each, of letters, so that a sentence always has as many.
private enum Words {
    static func pick(_ list: [String], _ generator: inout some RandomNumberGenerator) -> String {
        list[Int.random(in: list.indices, using: &generator)]
    }

    static let greetings = ["Hello", "Hi", "Dear all", "Good morning", "Good evening", "Hello again"]
    static let closings = ["Best wishes", "Regards", "See you soon", "Thanks", "Yours", "Until then"]
    static let subjects = ["About the", "Our", "The new", "Your", "A question on the", "Again the", "Notes on the"]
    static let links = ["because", "while", "although", "before", "after", "unless", "until", "and"]
    static let people = [
        "anna", "peter", "maria", "thomas", "julia", "martin", "laura", "simon", "clara", "david", "helen", "robert",
        "alice", "george", "sarah", "frank",
    ]
    static let verbs = [
        "found", "painted", "repaired", "bought", "sold", "carried", "cleaned", "forgot", "moved", "opened", "closed",
        "measured", "borrowed", "returned", "photographed", "described",
    ]
    static let adjectives = [
        "old", "green", "heavy", "small", "broken", "wooden", "quiet", "bright", "empty", "narrow", "round", "cheap",
        "strange", "warm", "blue", "long",
    ]
    static let nouns = [
        "table", "garden", "bicycle", "window", "letter", "kitchen", "boat", "lamp", "picture", "chair", "bridge",
        "clock", "piano", "door", "basket", "roof",
    ]
    static let times = ["today", "yesterday", "early", "again", "twice", "alone", "slowly", "together"]

    /// Which words stand where in a sentence.
    static let sentence: [Set<String>] = {
        let half = [people, verbs, ["the"], adjectives, nouns, times].map { Set($0) }
        return half + [Set(links)] + half
    }()
    static let longest = sentence.joined().map(\.utf8.count).max() ?? 0
}
