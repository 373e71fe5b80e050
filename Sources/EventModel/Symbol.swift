/// A key's name as a small number, so that a field is found by comparing integers. 0 stands for every name that
/// neither the canonical event nor a loaded pipeline knows.
public struct Symbol: Sendable, Hashable, BitwiseCopyable {
    public let number: UInt16

    @inlinable
    public init(_ number: UInt16) { self.number = number }

    @inlinable public static var unknown: Symbol { Symbol(0) }
}

/// The names behind symbols: the canonical ones (fixed numbers, see ``CanonicalSchema``) and those that pipelines
/// add. Built once when pipelines are loaded, never changed afterwards.
///
/// Open addressing with at most a quarter of the slots taken. A slot holds the first 16 bytes of its name, which is all
/// that most names have, so a look-up reads one place and compares two words.
public final class SymbolTable: @unchecked Sendable {
    // Unchecked: the pointers are filled in `init` and only read afterwards; `deinit` runs when nobody holds the table.
    private struct Entry {
        var start: UInt32
        var length: UInt32
    }

    private struct Slot {
        var head: UInt64 = 0
        var tail: UInt64 = 0
        var length: UInt32 = 0
        /// 0: nothing here.
        var number: UInt16 = 0
    }

    /// The bytes of the first and the second word that belong to a name of 0 to 16 bytes.
    private struct Mask {
        var head: UInt64
        var tail: UInt64
    }

    private let slots: UnsafeMutablePointer<Slot>
    private let slotMask: Int
    private let masks: UnsafeMutablePointer<Mask>
    private let entries: UnsafeMutablePointer<Entry>
    private let bytes: UnsafeMutablePointer<UInt8>
    /// Bytes that may be read behind any text here or in a tree, so that short ones are copied and compared in whole words.
    static let padding = 32
    /// Number of symbols, the unknown one included.
    public let count: Int

    /// Symbols for the canonical names and `names`, in this order; doubles are given one number.
    public init(names: some Sequence<String> = []) {
        var list: [String] = [""]
        // By bytes: Swift takes "é" and "e\u{301}" for one string, JSON does not. An empty name has no symbol.
        var known: Set<[UInt8]> = [[]]
        for name in CanonicalSchema.names + Array(names) where known.insert(Array(name.utf8)).inserted { list.append(name) }
        precondition(list.count < Int(UInt16.max), "too many names in pipelines")
        count = list.count
        var capacity = 16
        while capacity < list.count * 4 { capacity *= 2 }
        slotMask = capacity - 1
        slots = .allocate(capacity: capacity)
        slots.initialize(repeating: Slot(), count: capacity)
        masks = .allocate(capacity: 17)
        for length in 0...16 {
            let shift = UInt64(64 - 8 * (length & 7)) & 63
            let partial: UInt64 = length & 7 == 0 ? 0 : ~0 >> shift
            masks[length] = Mask(head: length >= 8 ? ~0 : partial, tail: length == 16 ? ~0 : length > 8 ? partial : 0)
        }
        entries = .allocate(capacity: list.count)
        let size = list.reduce(0) { $0 + $1.utf8.count } + Self.padding
        bytes = .allocate(capacity: size)
        bytes.initialize(repeating: 0, count: size)
        var end = 0
        for (number, name) in list.enumerated() {
            let start = end
            for byte in name.utf8 {
                bytes[end] = byte
                end += 1
            }
            entries[number] = Entry(start: UInt32(start), length: UInt32(end - start))
            if number > 0 { insert(UInt16(number), pointer: bytes + start, length: end - start) }
        }
    }

    deinit {
        slots.deallocate()
        masks.deallocate()
        entries.deallocate()
        bytes.deallocate()
    }

    private func insert(_ number: UInt16, pointer: UnsafePointer<UInt8>, length: Int) {
        let mask = masks[min(length, 16)]
        let head = Hash64.load8(pointer) & mask.head
        let tail = Hash64.load8(pointer + 8) & mask.tail
        var slot = firstSlot(head, tail, length)
        while slots[slot].number != 0 { slot = (slot + 1) & slotMask }
        slots[slot] = Slot(head: head, tail: tail, length: UInt32(length), number: number)
    }

    @inline(__always)
    private func firstSlot(_ head: UInt64, _ tail: UInt64, _ length: Int) -> Int {
        let mixed = (head ^ (tail &* 0xe703_7ed1_a0b4_28db) ^ UInt64(truncatingIfNeeded: length)) &* 0x8ebc_6af0_9c88_c6e3
        return Int(truncatingIfNeeded: mixed &>> 32) & slotMask
    }

    /// The symbol of the `length` bytes at `name`, behind which ``padding`` bytes are readable; `.unknown` for a name
    /// nobody asked for.
    @inline(__always)
    func symbol(padded name: UnsafeRawPointer, _ length: Int) -> Symbol {
        let mask = masks[min(length, 16)]
        let head = Hash64.load8(name) & mask.head
        let tail = Hash64.load8(name + 8) & mask.tail
        var slot = firstSlot(head, tail, length)
        while true {
            let found = slots[slot]
            if found.number == 0 { return .unknown }
            if found.head == head, found.tail == tail, Int(found.length) == length {
                if length <= 16 || equalBytes(bytes + Int(entries[Int(found.number)].start), name, length) { return Symbol(found.number) }
            }
            slot = (slot &+ 1) & slotMask
        }
    }

    public func symbol(_ name: String) -> Symbol {
        let length = name.utf8.count
        guard length > 0 else { return .unknown }
        let padded = Array(name.utf8) + [UInt8](repeating: 0, count: Self.padding)
        return padded.withUnsafeBytes { symbol(padded: $0.baseAddress!, length) }
    }

    /// The name's bytes; valid as long as the table.
    @inline(__always)
    func text(_ symbol: Symbol) -> UnsafeRawBufferPointer {
        let entry = entries[Int(symbol.number)]
        return UnsafeRawBufferPointer(start: bytes + Int(entry.start), count: Int(entry.length))
    }

    public func name(_ symbol: Symbol) -> String { String(decoding: text(symbol), as: UTF8.self) }
}

/// Whether `count` bytes at both places are the same.
@inline(__always)
func equalBytes(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ count: Int) -> Bool {
    var at = 0
    while at + 8 <= count {
        if Hash64.load8(left + at) != Hash64.load8(right + at) { return false }
        at += 8
    }
    return Hash64.loadTail(left + at, count - at) == Hash64.loadTail(right + at, count - at)
}
