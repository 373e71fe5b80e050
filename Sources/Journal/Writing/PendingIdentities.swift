/// Identities of the group that is being assembled: identity to the event's place in the group.
///
/// Open addressing over one reused buffer, cleared by counting a generation up instead of touching it: a group costs
/// no allocation and an event one cache line. Identities are hashes already, so their low bits are the slot.
struct PendingIdentities {
    private struct Slot {
        var identity: UInt64 = 0
        var event: UInt32 = 0
        var generation: UInt32 = 0
    }

    private var slots = [Slot](repeating: Slot(), count: 1024)
    private var generation: UInt32 = 0

    /// Forgets all, and makes room for `count` at half load.
    mutating func begin(_ count: Int) {
        if count * 2 > slots.count {
            var size = slots.count
            while size < count * 2 { size *= 2 }
            slots = [Slot](repeating: Slot(), count: size)
            generation = 0
        }
        generation &+= 1
        if generation == 0 {
            slots = [Slot](repeating: Slot(), count: slots.count)
            generation = 1
        }
    }

    /// The event that has `identity` and for which `matches` holds.
    @inline(__always)
    func find(_ identity: UInt64, matches: (Int) -> Bool) -> Int? {
        var at = Int(truncatingIfNeeded: identity) & (slots.count - 1)
        while slots[at].generation == generation {
            if slots[at].identity == identity, matches(Int(slots[at].event)) { return Int(slots[at].event) }
            at = (at + 1) & (slots.count - 1)
        }
        return nil
    }

    @inline(__always)
    mutating func insert(_ identity: UInt64, event: Int) {
        var at = Int(truncatingIfNeeded: identity) & (slots.count - 1)
        while slots[at].generation == generation { at = (at + 1) & (slots.count - 1) }
        slots[at] = Slot(identity: identity, event: UInt32(event), generation: generation)
    }
}
