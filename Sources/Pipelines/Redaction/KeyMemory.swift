import EventModel

/// What one pipeline's patterns said about names without a symbol: the same few come again and again. A name that falls
/// on another's slot takes it over.
///
/// The hash, which whoever sends a name can choose, says only where to look. A slot holds the name itself: two names
/// with one hash must not share a role, or one producer could switch redaction off for the others.
struct KeyMemory: ~Copyable {
    private struct Slot {
        var name: InlineArray<40, UInt8> = InlineArray(repeating: 0)
        /// 0: nothing here.
        var length: UInt8 = 0
        var role: KeyRole = []
    }

    /// Longer names are judged anew each time.
    private static let nameBytes = 40
    private static let slotCount = 1024
    private let slots: UnsafeMutablePointer<Slot>

    init() {
        slots = .allocate(capacity: Self.slotCount)
        slots.initialize(repeating: Slot(), count: Self.slotCount)
    }

    deinit { slots.deallocate() }

    /// - Parameter patterns: the same for every name of one memory.
    mutating func role(_ name: UnsafeRawBufferPointer, _ patterns: KeyPatterns) -> KeyRole {
        guard name.count > 0, name.count <= Self.nameBytes else { return KeyRole(name, patterns) }
        let slot = slots + (Int(truncatingIfNeeded: Hash64.hash(name)) & (Self.slotCount - 1))
        let known = UnsafeRawBufferPointer(start: slot, count: Int(slot.pointee.length))
        if TextPattern.same(known, name) { return slot.pointee.role }
        let role = KeyRole(name, patterns)
        UnsafeMutableRawPointer(slot).copyMemory(from: name.baseAddress!, byteCount: name.count)
        slot.pointee.length = UInt8(name.count)
        slot.pointee.role = role
        return role
    }
}
