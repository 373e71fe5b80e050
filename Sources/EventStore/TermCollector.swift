import EventModel

/// Collects the different terms of each block while it is packed, as (term, block) pairs.
///
/// The cost lies in not doing things twice: a value that was already cut into words in this block (names, e-mails,
/// user agents repeat all the time) is recognised by its hash and bytes and skipped whole; a word that the block
/// already has is stopped by a set. Both sets are open addressing with a generation in each slot, so that starting a
/// new block costs one addition.
package struct TermCollector: ~Copyable {
    /// term << 20 | block, in block order.
    package private(set) var ordinary: [UInt64] = []
    package private(set) var identities: [UInt64] = []

    static let blockBits: UInt64 = 20

    private var cursor = CanonicalLineCursor()
    private var block: UInt64 = 0
    /// generation << 28 | term, 0 where nothing ever was. Four bytes a slot and eight a value keep both sets of a usual
    /// block in the first-level cache, where most of this work happens or does not.
    private var terms: UnsafeMutablePointer<UInt32>
    private var termMask: Int
    private var termCount = 0
    private var generation: UInt32 = 0
    /// 24 bits of the hash, the field's number, then where the value starts, counted over the blocks of the pack.
    private var values: UnsafeMutablePointer<UInt64>
    private var valueMask: Int
    private var valueCount = 0
    /// Bytes of the blocks before, plus one: smaller places are of another block.
    private var blockStart = 1
    private var blockBytes = 0
    private let scratch: UnsafeMutablePointer<UInt8>
    private var plain: [UInt8] = []
    private let fields = FieldTable.shared

    private static let largestGeneration: UInt32 = 15

    package init() {
        termMask = (1 << 12) - 1
        terms = .allocate(capacity: termMask + 1)
        terms.initialize(repeating: 0, count: termMask + 1)
        valueMask = (1 << 11) - 1
        values = .allocate(capacity: valueMask + 1)
        values.initialize(repeating: 0, count: valueMask + 1)
        scratch = .allocate(capacity: Words.longest)
    }

    deinit {
        terms.deallocate()
        values.deallocate()
        scratch.deallocate()
    }

    package mutating func removeAll() {
        ordinary.removeAll(keepingCapacity: true)
        identities.removeAll(keepingCapacity: true)
        block = 0
        blockStart = 1
        blockBytes = 0
        values.update(repeating: 0, count: valueMask + 1)
    }

    /// Blocks of one pack are numbered from 0, less than 2^``blockBits``; `bytes` of lines will come.
    package mutating func startBlock(_ number: Int, bytes: Int) {
        block = UInt64(number)
        blockStart += blockBytes
        blockBytes = bytes
        valueCount = 0
        termCount = 0
        if generation == Self.largestGeneration {
            terms.update(repeating: 0, count: termMask + 1)
            generation = 0
        }
        generation += 1
    }

    /// `lines` is the block's buffer, `line` one of its lines; `identity` as in ``CommittedEvent``. Returns a hash of
    /// kind, action and outcome, which are looked at in passing.
    package mutating func add(line: Range<Int>, of lines: UnsafeRawBufferPointer, identity: UInt64) -> UInt64 {
        guard let head = CanonicalLine(UnsafeRawBufferPointer(rebasing: lines[line])) else { return 0 }
        if identity != 0 { identities.append(Term.identity(identity) << Self.blockBits | block) }
        var combination: UInt64 = 0
        let body = head.body
        let bodyOffset = line.lowerBound + head.bodyStart
        cursor.startFields(body)
        while cursor.next() {
            var place = FieldTable.Place()
            if cursor.depth == 1 {
                place = fields.place(FieldTable.hash(root: cursor.key(1)))
            } else if cursor.depth == 2, cursor.key(2).count > 0 {
                place = fields.place(FieldTable.hash(root: cursor.key(1), key: cursor.key(2)))
            }
            if place.isSkipped { continue }
            let value = cursor.value
            guard cursor.isString || place.hasFieldTerm, value.count > 0 else { continue }
            let sketch = Self.sketch(value.baseAddress!, value.count, place.number)
            if place.isCounted { combination = (combination &* 0x9E37_79B9_7F4A_7C15) ^ Self.counted(sketch, value) }
            if isSeen(sketch, place.number, offset: bodyOffset &+ cursor.valueStart, value, lines) { continue }
            if place.hasFieldTerm { insert(Term.folded(Term.fieldHash(place.number, value))) }
            if cursor.isString { addWords(value, place) }
        }
        return combination
    }

    /// A hash for telling values of one block apart before their bytes do: of four words spread over the value, which is
    /// all of one up to ``sketchedBytes``. Most values are looked at only so far, and the loads do not wait for each
    /// other as those of ``Hash64`` must.
    @inline(__always)
    private static func sketch(_ value: UnsafeRawPointer, _ count: Int, _ field: UInt8) -> UInt64 {
        let seed = UInt64(truncatingIfNeeded: count) << 8 | UInt64(field)
        guard count >= 8 else { return folded(Hash64.short(value, count) ^ 0xa076_1d64_78bd_642f, seed ^ 0xe703_7ed1_a0b4_28db) }
        let step = (count &- 8) / 3
        let first = value.loadUnaligned(as: UInt64.self) ^ 0xa076_1d64_78bd_642f
        let second = (value + step).loadUnaligned(as: UInt64.self) ^ 0xe703_7ed1_a0b4_28db
        let third = (value + (count &- 8 &- step)).loadUnaligned(as: UInt64.self) ^ 0x8ebc_6af0_9c88_c6e3
        let last = (value + (count &- 8)).loadUnaligned(as: UInt64.self) ^ 0x5899_65cc_7537_4cc3
        return folded(folded(first, last) ^ seed, folded(second, third) ^ 0x9E37_79B9_7F4A_7C15)
    }

    @inline(__always)
    private static func folded(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }

    /// Counts are exact, so what a sketch leaves out must count too.
    @inline(__always)
    private static func counted(_ sketch: UInt64, _ value: UnsafeRawBufferPointer) -> UInt64 {
        value.count <= sketchedBytes ? sketch : Hash64.hash(value)
    }

    private static let sketchedBytes = 29

    private mutating func addWords(_ value: UnsafeRawBufferPointer, _ place: FieldTable.Place) {
        if cursor.isEscaped {
            CanonicalLine.unescape(value, into: &plain)
            let copy = plain
            copy.withUnsafeBytes { cut($0, place) }
        } else {
            cut(value, place)
        }
    }

    private mutating func cut(_ value: UnsafeRawBufferPointer, _ place: FieldTable.Place) {
        guard let base = value.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
        let lowered = Words.lowered
        let count = value.count
        var at = 0
        var words = 0
        while at < count {
            let length = Words.next(in: base, count: count, at: &at, scratch: scratch, lowered: lowered)
            if length == 0 { break }
            words += 1
            insert(Term.word(scratch, length))
        }
        if place.hasValueTerm, words > 1, !Words.holdsTellingWord(value) { insert(Term.value(Words.lower(value))) }
    }

    @inline(__always)
    private mutating func insert(_ term: UInt64) {
        let tagged = generation << UInt32(Term.ordinaryBits) | UInt32(truncatingIfNeeded: term)
        var slot = Int(truncatingIfNeeded: term) & termMask
        while true {
            let held = terms[slot]
            if held == tagged { return }
            if held >> UInt32(Term.ordinaryBits) != generation { break }
            slot = (slot &+ 1) & termMask
        }
        terms[slot] = tagged
        ordinary.append(term << Self.blockBits | block)
        termCount &+= 1
        if termCount &* 2 > termMask { growTerms() }
    }

    /// Whether this block had the same bytes in the same field before; remembers them otherwise. The byte behind a
    /// value is compared too: it ends there as well when it is the same.
    @inline(__always)
    private mutating func isSeen(
        _ hash: UInt64, _ field: UInt8, offset: Int, _ value: UnsafeRawBufferPointer, _ lines: UnsafeRawBufferPointer
    ) -> Bool {
        let tag = (hash >> 40) << 8 | UInt64(field)
        var slot = Int(truncatingIfNeeded: hash) & valueMask
        while true {
            let held = values[slot]
            let start = Int(truncatingIfNeeded: held & 0xFFFF_FFFF) &- blockStart
            if start < 0 { break }
            if held >> 32 == tag, start &+ value.count < lines.count,
                equal(lines.baseAddress! + start, value.baseAddress!, value.count &+ 1)
            {
                return true
            }
            slot = (slot &+ 1) & valueMask
        }
        values[slot] = tag << 32 | UInt64(truncatingIfNeeded: offset &+ blockStart)
        valueCount &+= 1
        if valueCount &* 2 > valueMask { growValues() }
        return false
    }

    @inline(never)
    private mutating func growTerms() {
        let old = UnsafeMutableBufferPointer(start: terms, count: termMask + 1)
        termMask = termMask * 2 + 1
        terms = .allocate(capacity: termMask + 1)
        terms.initialize(repeating: 0, count: termMask + 1)
        for tagged in old where tagged >> UInt32(Term.ordinaryBits) == generation {
            var slot = Int(tagged & ((1 << UInt32(Term.ordinaryBits)) - 1)) & termMask
            while terms[slot] != 0 { slot = (slot + 1) & termMask }
            terms[slot] = tagged
        }
        old.deallocate()
    }

    /// The whole hash is not kept, so the block goes on with an empty, larger set: some values are cut twice.
    @inline(never)
    private mutating func growValues() {
        values.deallocate()
        valueMask = valueMask * 2 + 1
        values = .allocate(capacity: valueMask + 1)
        values.initialize(repeating: 0, count: valueMask + 1)
        valueCount = 0
    }

    /// Sorts both lists by term, keeping the order of blocks.
    package mutating func sort(_ sorter: inout RadixSorter) {
        sorter.sort(&ordinary, shift: Int(Self.blockBits), bits: Term.ordinaryBits)
        sorter.sort(&identities, shift: Int(Self.blockBits), bits: Term.identityBits)
    }
}

/// Whether `count` bytes at both places are the same; eight at a time, never reading beyond.
@inline(__always)
func equal(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ count: Int) -> Bool {
    var at = 0
    while at + 8 <= count {
        if (left + at).loadUnaligned(as: UInt64.self) != (right + at).loadUnaligned(as: UInt64.self) { return false }
        at += 8
    }
    while at < count {
        if left.load(fromByteOffset: at, as: UInt8.self) != right.load(fromByteOffset: at, as: UInt8.self) { return false }
        at += 1
    }
    return true
}
