import EventModel

/// The tenants that events named so far: which names are valid, and which index each has in the batch that is being
/// filled. Most batches hold few tenants and most tenants come again, so neither is found out twice.
///
/// Open addressing with at most half of the slots taken. A name of up to 16 bytes is compared as two words.
struct TenantMemory: ~Copyable {
    private struct Entry {
        var head: UInt64 = 0
        var tail: UInt64 = 0
        /// 0: an empty slot.
        var length = 0
        var index: UInt32 = 0
        /// Number of the batch that `index` belongs to.
        var batch: UInt64 = 0
        var name = ""
    }

    private var entries = [Entry](repeating: Entry(), count: 256)
    private var taken = 0
    private var batch: UInt64 = 0
    /// How many tenants the batch had when one was last added from here.
    private var given = 0
    /// Somebody else adds tenants to the batch, too.
    private var isShared = false
    /// Names kept from batch to batch; past it the memory begins anew.
    private static let mostKept = 4096

    /// From now on the indices are those of an empty batch.
    mutating func beginBatch() {
        batch += 1
        given = 0
        isShared = false
        guard taken > Self.mostKept else { return }
        entries = [Entry](repeating: Entry(), count: 256)
        taken = 0
    }

    /// The slot of a name, `nil` where it is not a tenant's. Valid until the next call. ``EventTree/textPadding`` bytes
    /// behind the name must be readable.
    mutating func slot(_ name: UnsafeRawBufferPointer) -> Int? {
        guard let base = name.baseAddress, name.count > 0 else { return nil }
        let head = Self.word(base, name.count)
        let tail = name.count > 8 ? Self.word(base + 8, name.count - 8) : 0
        var slot = firstSlot(head, tail, name.count)
        while entries[slot].length != 0 {
            if entries[slot].length == name.count, entries[slot].head == head, entries[slot].tail == tail,
                name.count <= 16 || entries[slot].name.utf8.elementsEqual(name)
            {
                return slot
            }
            slot = (slot &+ 1) & (entries.count &- 1)
        }
        guard TenantName.isValid(name) else { return nil }
        var entry = Entry()
        entry.head = head
        entry.tail = tail
        entry.length = name.count
        entry.name = String(decoding: name, as: UTF8.self)
        return insert(entry)
    }

    /// The index in `target` of the tenant at `slot`.
    mutating func index(_ slot: Int, _ target: inout NormalisedBatch) -> UInt32 {
        let known = entries[slot]
        if known.batch == batch, known.index < target.tenants.count, target.tenants[Int(known.index)] == known.name { return known.index }
        if given != target.tenants.count { isShared = true }
        let index: UInt32
        if isShared || known.batch == batch {
            index = target.tenantIndex(known.name)
        } else {
            index = UInt32(target.tenants.count)
            target.tenants.append(known.name)
        }
        given = target.tenants.count
        entries[slot].batch = batch
        entries[slot].index = index
        return index
    }

    private mutating func insert(_ entry: Entry) -> Int {
        if (taken + 1) * 2 > entries.count {
            let old = entries
            entries = [Entry](repeating: Entry(), count: old.count * 2)
            for entry in old where entry.length != 0 { entries[freeSlot(entry)] = entry }
        }
        taken += 1
        let slot = freeSlot(entry)
        entries[slot] = entry
        return slot
    }

    private func freeSlot(_ entry: Entry) -> Int {
        var slot = firstSlot(entry.head, entry.tail, entry.length)
        while entries[slot].length != 0 { slot = (slot + 1) & (entries.count - 1) }
        return slot
    }

    @inline(__always)
    private func firstSlot(_ head: UInt64, _ tail: UInt64, _ length: Int) -> Int {
        let mixed = (head ^ (tail &* 0xe703_7ed1_a0b4_28db) ^ UInt64(truncatingIfNeeded: length)) &* 0x8ebc_6af0_9c88_c6e3
        return Int(truncatingIfNeeded: mixed &>> 32) & (entries.count &- 1)
    }

    /// The first 8 of `count` bytes, fewer where there are fewer.
    @inline(__always)
    private static func word(_ text: UnsafeRawPointer, _ count: Int) -> UInt64 {
        let word = UInt64(littleEndian: text.loadUnaligned(as: UInt64.self))
        return count >= 8 ? word : word & ((1 &<< UInt64(8 &* count)) &- 1)
    }
}
