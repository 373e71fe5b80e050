import EventModel

/// Which keys hold secrets. A key matches when it contains one of the words, compared without regard to case and to
/// anything but letters and digits: `apikey` finds `api_key`, `X-Api-Key` and `stripeApiKey`.
public struct KeyPatterns: Sendable {
    /// What every pipeline redacts, whatever its definition says.
    public static let standard = [
        "password", "passwd", "passphrase", "pwd", "secret", "token", "apikey", "accesskey", "authorization", "privatekey", "credential",
        "cookie", "jwt", "signingkey", "xamzsignature", "cvv", "cardnumber",
    ]
    /// Too short to be looked for inside others (`footprint`, `compass`): only a key that is nothing else, or ends in
    /// `.pin`.
    static let wholeKeys = ["pass", "pin", "otp", "totp", "sig"]
    /// Those that are a secret also as the last word of several: `user_pin`, `smsOtp`. A `boarding_pass` is none.
    static let lastWords = ["pin", "otp", "totp", "sig"]

    let words: [[UInt8]]
    private let whole = Self.wholeKeys.map { Array($0.utf8) }
    private let last = Self.lastWords.map { Array($0.utf8) }
    /// One bit for each letter or digit that some word begins with.
    private let firsts: UInt64

    /// `extra`: words besides the standard ones.
    public init(extra: [String] = []) {
        words = (Self.standard + extra).map { word in word.utf8.compactMap(Self.folded) }.filter { !$0.isEmpty }
        firsts = words.reduce(0) { $0 | Self.bit($1[0]) }
    }

    /// What any of `all` finds.
    init(union all: [KeyPatterns]) {
        words = Array(Set(all.flatMap(\.words)))
        firsts = words.reduce(0) { $0 | Self.bit($1[0]) }
    }

    public func matches(_ key: UnsafeRawBufferPointer) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: max(1, key.count), alignment: 1) { fold in
            var count = 0
            // Where the last part of a dotted key begins.
            var part = 0
            // And the last of its words.
            var word = 0
            var wasSmall = false
            for byte in key {
                if byte == UInt8(ascii: ".") || byte == UInt8(ascii: "[") { part = count }
                let isLarge = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
                guard let folded = Self.folded(byte) else {
                    // What closes a bracket begins nothing.
                    if byte != UInt8(ascii: "]") { word = count }
                    continue
                }
                if isLarge, wasSmall { word = count }
                wasSmall = !isLarge
                fold[count] = folded
                count += 1
            }
            let folded = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(fold)[0..<count])
            let lastPart = folded[part...]
            let lastWord = folded[word...]
            return holdsWord(folded) || lastPart.count <= 4 && whole.contains { $0.elementsEqual(lastPart) }
                || lastWord.count <= 4 && last.contains { $0.elementsEqual(lastWord) }
        }
    }

    private func holdsWord(_ folded: UnsafeRawBufferPointer) -> Bool {
        for start in 0..<folded.count where firsts & Self.bit(folded[start]) != 0 {
            for word in words where word.withUnsafeBytes({ TextPattern.has($0, in: folded, at: start) }) {
                if !Self.isIdentifier(word, folded, start) { return true }
            }
        }
        return false
    }

    /// `accessKeyId` names a key and does not open anything.
    private static func isIdentifier(_ word: [UInt8], _ folded: UnsafeRawBufferPointer, _ start: Int) -> Bool {
        let end = start + word.count
        return word.elementsEqual("accesskey".utf8) && end + 2 == folded.count && folded[end...].elementsEqual("id".utf8)
    }

    func matches(_ key: String) -> Bool {
        var key = key
        return key.withUTF8 { matches(UnsafeRawBufferPointer($0)) }
    }

    private static func bit(_ folded: UInt8) -> UInt64 { 1 << UInt64((folded >= UInt8(ascii: "a") ? folded &- 87 : folded &- 48) & 63) }

    /// Lower-case letter or digit; `nil` for what does not count.
    private static func folded(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
        default: nil
        }
    }
}
