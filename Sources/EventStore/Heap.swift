/// A binary heap: `first` is the smallest.
struct Heap<Element: Comparable> {
    private var items: [Element] = []

    var count: Int { items.count }
    var first: Element? { items.first }

    mutating func insert(_ item: Element) {
        items.append(item)
        var child = items.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard items[child] < items[parent] else { return }
            items.swapAt(child, parent)
            child = parent
        }
    }

    /// Cheaper than one by one when many come: builds the heap from the bottom (Floyd).
    mutating func insert(contentsOf more: [Element]) {
        items += more
        for index in stride(from: items.count / 2 - 1, through: 0, by: -1) { sink(index) }
    }

    mutating func replaceFirst(_ item: Element) {
        items[0] = item
        sink(0)
    }

    mutating func popFirst() -> Element? {
        guard let first = items.first else { return nil }
        let last = items.removeLast()
        if !items.isEmpty {
            items[0] = last
            sink(0)
        }
        return first
    }

    /// The `most` smallest, in order; they stay.
    mutating func smallest(_ most: Int) -> [Element] {
        var taken: [Element] = []
        while taken.count < most, let item = popFirst() { taken.append(item) }
        for item in taken { insert(item) }
        return taken
    }

    private mutating func sink(_ start: Int) {
        var parent = start
        while true {
            var child = parent * 2 + 1
            guard child < items.count else { return }
            if child + 1 < items.count, items[child + 1] < items[child] { child += 1 }
            guard items[child] < items[parent] else { return }
            items.swapAt(child, parent)
            parent = child
        }
    }
}
