/// Sums by 64-bit keys, in open addressing: two of these are asked for every event, where the standard dictionary's hash
/// alone, made to withstand an attacker, costs more than all else.
struct SumTable {
    /// Key and sum; a sum of 0 is a free slot.
    private var slots: [(key: UInt64, sum: UInt64)] = []
    private var count = 0
    private var mask = 0

    private static let fewest = 64

    subscript(key: UInt64) -> UInt64? {
        @inline(__always) get {
            if count == 0 { return nil }
            let sum = slots[slot(of: key)].sum
            return sum == 0 ? nil : sum
        }
    }

    /// `amount` is not 0.
    @inline(__always)
    mutating func add(_ amount: UInt64, to key: UInt64) {
        if count &* 2 >= slots.count { grow() }
        let slot = slot(of: key)
        if slots[slot].sum == 0 {
            count += 1
            slots[slot].key = key
        }
        slots[slot].sum += amount
    }

    /// All keys with their sums, in no order; leaves the table empty.
    mutating func takeAll() -> [(key: UInt64, count: UInt64)] {
        var all: [(key: UInt64, count: UInt64)] = []
        all.reserveCapacity(count)
        for slot in slots where slot.sum > 0 { all.append((slot.key, slot.sum)) }
        slots.removeAll()
        count = 0
        return all
    }

    /// Where the key is, or would be. Fibonacci hashing (Knuth, volume 3, 6.4), with the upper half folded in: keys differ in
    /// few bits, low and high ones.
    @inline(__always)
    private func slot(of key: UInt64) -> Int {
        let product = key.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        var slot = Int(truncatingIfNeeded: product.high ^ product.low >> 32) & mask
        while slots[slot].sum != 0, slots[slot].key != key { slot = (slot + 1) & mask }
        return slot
    }

    @inline(never)
    private mutating func grow() {
        let old = slots
        slots = Array(repeating: (0, 0), count: max(Self.fewest, old.count * 2))
        mask = slots.count - 1
        for (key, sum) in old where sum > 0 { slots[slot(of: key)] = (key, sum) }
    }
}
