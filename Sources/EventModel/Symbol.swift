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
/// Open addressing over ``Hash64`` with at most half of the slots taken; names lie in one buffer.
public final class SymbolTable: @unchecked Sendable {
    // Unchecked: the pointers are filled in `init` and only read afterwards; `deinit` runs when nobody holds the table.
    private struct Entry {
        var start: UInt32
        var length: UInt32
    }

    private let slots: UnsafeMutablePointer<UInt16>
    private let slotMask: Int
    private let entries: UnsafeMutablePointer<Entry>
    private let bytes: UnsafeMutablePointer<UInt8>
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
        while capacity < list.count * 2 { capacity *= 2 }
        slotMask = capacity - 1
        slots = .allocate(capacity: capacity)
        slots.initialize(repeating: 0, count: capacity)
        entries = .allocate(capacity: list.count)
        bytes = .allocate(capacity: max(1, list.reduce(0) { $0 + $1.utf8.count }))
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
        entries.deallocate()
        bytes.deallocate()
    }

    private func insert(_ number: UInt16, pointer: UnsafePointer<UInt8>, length: Int) {
        var slot = Int(truncatingIfNeeded: Hash64.hash(pointer: pointer, count: length, seed: 0)) & slotMask
        while slots[slot] != 0 { slot = (slot + 1) & slotMask }
        slots[slot] = number
    }

    /// The symbol of the `length` bytes at `pointer`; `.unknown` for a name nobody asked for.
    @inline(__always)
    func symbol(_ pointer: UnsafePointer<UInt8>, _ length: Int) -> Symbol {
        var slot = Int(truncatingIfNeeded: Hash64.hash(pointer: pointer, count: length, seed: 0)) & slotMask
        while true {
            let number = slots[slot]
            if number == 0 { return .unknown }
            let entry = entries[Int(number)]
            if Int(entry.length) == length, equalBytes(bytes + Int(entry.start), pointer, length) { return Symbol(number) }
            slot = (slot + 1) & slotMask
        }
    }

    public func symbol(_ name: String) -> Symbol {
        var name = name
        return name.withUTF8 { text in
            guard let base = text.baseAddress, !text.isEmpty else { return .unknown }
            return symbol(base, text.count)
        }
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
