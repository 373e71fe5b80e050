import Testing

@testable import EventModel

@Suite("Hash64")
struct Hash64Tests {
    private static func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) } }

    @Test("hashing and comparing read nothing before the first and nothing behind the last byte")
    func bounds() {
        let left = GuardedBytes()
        let right = GuardedBytes()
        let table = SymbolTable()
        for count in 0...80 {
            let text = Self.bytes(count)
            let atEnd = left.atEnd(text)
            let endHash = Hash64.hash(atEnd)
            #expect(equalBytes(atEnd.baseAddress!, right.atEnd(text).baseAddress!, count))
            _ = Vocabulary.action.contains(atEnd)
            let atStart = left.atStart(text)
            #expect(Hash64.hash(atStart) == endHash)
            #expect(equalBytes(atStart.baseAddress!, right.atStart(text).baseAddress!, count))
            _ = Vocabulary.action.contains(atStart)
            #expect(UTF8Check.firstInvalid(right.atEnd(text)) == UTF8Check.firstInvalid(atStart))
            // A name is looked up in whole words, for which its padding is there.
            let padded = left.atEnd(text + [UInt8](repeating: 0xFF, count: SymbolTable.padding))
            _ = table.symbol(padded: padded.baseAddress!, count)
        }
    }

    @Test("a hash depends on every byte, on the length and on the seed")
    func sensitivity() {
        var seen: Set<UInt64> = []
        var made = 0
        for count in 0...40 {
            var text = Self.bytes(count)
            seen.insert(text.withUnsafeBytes { Hash64.hash($0) })
            seen.insert(text.withUnsafeBytes { Hash64.hash($0, seed: 1) })
            made += 2
            for index in 0..<count {
                text[index] ^= 0x80
                seen.insert(text.withUnsafeBytes { Hash64.hash($0) })
                text[index] ^= 0x80
                made += 1
            }
        }
        for count in 0...40 {
            seen.insert([UInt8](repeating: 0, count: count).withUnsafeBytes { Hash64.hash($0) })
            // Nothing at all and no zeros are the same text.
            made += count == 0 ? 0 : 1
        }
        #expect(seen.count == made)
    }

    @Test("equality sees a difference in any one byte")
    func equality() {
        for count in 1...40 {
            let left = Self.bytes(count)
            for index in 0..<count {
                var right = left
                right[index] ^= 1
                #expect(!left.withUnsafeBytes { a in right.withUnsafeBytes { b in equalBytes(a.baseAddress!, b.baseAddress!, count) } })
            }
        }
    }

    @Test(
        "hashes never change, because they are in files",
        arguments: [
            ("", 0x2b58_40ee_88a2_b24c), ("a", 0x6010_0c93_7bad_9632), ("abc", 0xb64e_fb6d_db13_d9ee), ("abcd", 0x48af_ad93_0a32_5b1f),
            ("abcdefgh", 0x3d99_3235_9f12_1f65), ("abcdefghi", 0x4657_34d8_8ab4_81b6),
            ("the quick brown fox jumps over the lazy dog", 0x7359_40a1_72cf_fa5b),
        ] as [(String, UInt64)])
    func vectors(text: String, expected: UInt64) {
        #expect(Array(text.utf8).withUnsafeBytes { Hash64.hash($0) } == expected)
    }

    @Test("an identity is never 0 and keeps tenant, producer and id apart")
    func identity() {
        func identity(_ tenant: String, _ producer: String, _ id: String) -> UInt64 {
            Array(tenant.utf8).withUnsafeBytes { tenant in
                Array(producer.utf8).withUnsafeBytes { producer in
                    Array(id.utf8).withUnsafeBytes { Hash64.identity(tenant: tenant, producer: producer, originalID: $0) }
                }
            }
        }
        let all = [
            identity("a", "b", "c"), identity("ab", "", "c"), identity("", "ab", "c"), identity("a", "bc", ""), identity("b", "a", "c"),
            identity("", "", ""),
        ]
        #expect(Set(all).count == all.count)
        #expect(!all.contains(0))
    }
}
