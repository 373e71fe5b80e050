import CSearch
import EventModel
import Foundation

/// One spelling of something to be found, letters of ASCII regardless of case.
package struct Needle: Sendable {
    package let bytes: [UInt8]
    private let folded: [UInt8]

    /// `text` is not empty.
    init(_ text: String) {
        bytes = Array(text.utf8)
        folded = bytes.map { $0 | 0x20 }
    }

    /// The spellings that are looked for: letters beyond ASCII as lower, upper and title case, each composed and decomposed
    /// (Unicode's NFC and NFD), and spaces as forms write them.
    package static func variants(of text: String) -> [Needle] {
        let cases = [text, text.lowercased(), text.uppercased(), text.capitalized]
        var spellings = cases + cases.map(\.precomposedStringWithCanonicalMapping) + cases.map(\.decomposedStringWithCanonicalMapping)
        spellings += spellings.filter { $0.contains(" ") }.map { $0.replacing(" ", with: "+") }
        // ASCII differs by case only, and both are found by one of them; by `text` itself where it is one, since some ids are
        // compared as they are. As bytes, for strings that differ in composition only are equal.
        var seen: Set<[UInt8]> = []
        return spellings.map { Needle($0) }.filter { !$0.bytes.isEmpty && seen.insert($0.bytes.map(lowered)).inserted }
    }

    /// As the inside of a JSON string writes it.
    var written: Needle {
        var writer = ByteWriter(capacity: bytes.count + 16)
        bytes.withUnsafeBytes { writer.appendQuoted(escaping: $0) }
        return Needle(String(decoding: writer.bytes.dropFirst().dropLast(), as: UTF8.self))
    }

    /// May report what only looks alike.
    package func occurs(in bytes: UnsafeRawBufferPointer) -> Bool { candidate(in: bytes, from: 0) != nil }

    /// Offset of the next place that equals the needle but for the case of ASCII letters.
    func first(in bytes: UnsafeRawBufferPointer, from: Int) -> Int? {
        var at = from
        while let place = candidate(in: bytes, from: at) {
            if self.bytes.indices.allSatisfy({ Self.lowered(bytes[place + $0]) == Self.lowered(self.bytes[$0]) }) { return place }
            at = place + 1
        }
        return nil
    }

    private func candidate(in bytes: UnsafeRawBufferPointer, from: Int) -> Int? {
        guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return nil }
        let place = csearch_first(base, bytes.count, from, folded, folded.count)
        return place < 0 ? nil : place
    }

    private static func lowered(_ byte: UInt8) -> UInt8 { byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte }
}
