import EventModel

/// What one pipeline's patterns said about names without a symbol, by hash: the same few come again and again. A name
/// that falls on another's slot takes it over.
struct KeyMemory: ~Copyable {
    private struct Slot {
        /// 0: nothing here; a name with this hash is judged anew each time.
        var hash: UInt64
        var role: KeyRole
    }

    private static let slotCount = 1024
    private let slots: UnsafeMutablePointer<Slot>

    init() {
        slots = .allocate(capacity: Self.slotCount)
        slots.initialize(repeating: Slot(hash: 0, role: []), count: Self.slotCount)
    }

    deinit { slots.deallocate() }

    /// - Parameter patterns: the same for every name of one memory.
    mutating func role(_ name: UnsafeRawBufferPointer, _ patterns: KeyPatterns) -> KeyRole {
        let hash = Hash64.hash(name)
        let slot = slots + (Int(truncatingIfNeeded: hash) & (Self.slotCount - 1))
        if slot.pointee.hash == hash, hash != 0 { return slot.pointee.role }
        let role = KeyRole(name, patterns)
        slot.pointee = Slot(hash: hash, role: role)
        return role
    }
}
