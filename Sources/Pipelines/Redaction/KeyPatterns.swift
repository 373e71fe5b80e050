import EventModel

/// Which keys hold secrets. A key matches when it contains one of the words, compared without regard to case and to
/// anything but letters and digits: `apikey` finds `api_key`, `X-Api-Key` and `stripeApiKey`.
public struct KeyPatterns: Sendable {
    /// What every pipeline redacts, whatever its definition says.
    public static let standard = [
        "password", "passwd", "passphrase", "secret", "token", "apikey", "authorization", "privatekey", "credential", "cookie",
        "signingkey",
        "cvv", "cardnumber",
    ]

    /// Longest key that is looked at, in bytes; of longer ones the beginning is.
    private static let longestKey = 128

    let words: [[UInt8]]

    /// `extra`: words besides the standard ones.
    public init(extra: [String] = []) {
        words = (Self.standard + extra).map { word in word.utf8.compactMap(Self.folded) }.filter { !$0.isEmpty }
    }

    public func matches(_ key: UnsafeRawBufferPointer) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: Self.longestKey, alignment: 1) { fold in
            var count = 0
            for byte in key {
                guard let folded = Self.folded(byte), count < Self.longestKey else { continue }
                fold[count] = folded
                count += 1
            }
            let folded = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(fold)[0..<count])
            return words.contains { word in word.withUnsafeBytes { TextPattern.find($0, in: folded, from: 0) != nil } }
        }
    }

    func matches(_ key: String) -> Bool {
        var key = key
        return key.withUTF8 { matches(UnsafeRawBufferPointer($0)) }
    }

    /// Lower-case letter or digit; `nil` for what does not count.
    private static func folded(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
        default: nil
        }
    }
}
