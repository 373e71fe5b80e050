/// Sorts numbers by some of their bits, keeping the order of equal ones: least significant digit first, eleven bits a
/// pass, because pairs come in large lists and comparison sorting costs five times as much.
package struct RadixSorter: ~Copyable {
    private var spare: [UInt64] = []

    private static let digitBits = 11

    package init() {}

    mutating func sort(_ list: inout [UInt64], shift: Int, bits: Int) {
        let count = list.count
        if count < 2 { return }
        if spare.count < count { spare = [UInt64](repeating: 0, count: count * 3 / 2) }
        var done = 0
        var flipped = false
        list.withUnsafeMutableBufferPointer { list in
            spare.withUnsafeMutableBufferPointer { spare in
                withUnsafeTemporaryAllocation(of: Int.self, capacity: 1 << Self.digitBits) { starts in
                    while done < bits {
                        let width = min(Self.digitBits, bits - done)
                        let (from, to) = flipped ? (spare.baseAddress!, list.baseAddress!) : (list.baseAddress!, spare.baseAddress!)
                        Self.pass(from, to, count, UInt64(shift + done), (1 << UInt64(width)) - 1, starts.baseAddress!)
                        flipped.toggle()
                        done += width
                    }
                }
                if flipped { list.baseAddress!.update(from: spare.baseAddress!, count: count) }
            }
        }
    }

    private static func pass(
        _ from: UnsafeMutablePointer<UInt64>, _ to: UnsafeMutablePointer<UInt64>, _ count: Int, _ shift: UInt64, _ mask: UInt64,
        _ starts: UnsafeMutablePointer<Int>
    ) {
        let buckets = Int(mask) + 1
        starts.initialize(repeating: 0, count: buckets)
        for index in 0..<count { starts[Int(truncatingIfNeeded: from[index] >> shift & mask)] += 1 }
        var sum = 0
        for bucket in 0..<buckets {
            let own = starts[bucket]
            starts[bucket] = sum
            sum += own
        }
        for index in 0..<count {
            let bucket = Int(truncatingIfNeeded: from[index] >> shift & mask)
            to[starts[bucket]] = from[index]
            starts[bucket] += 1
        }
    }
}
