// What the schema has no place for.
extension CanonicalWriter {
    /// A bit for the symbol of each root field that is there and not null; bit 0 if something is left over.
    func presentFields(_ tree: borrowing EventTree) -> UInt64 {
        var present: UInt64 = 0
        var child = tree.nodes[0].first
        while child >= 0 {
            let node = tree.nodes + Int(child)
            if isLeftover(node.pointee.symbol) {
                present |= 1
            } else {
                present |= (node.pointee.shape == .null ? 0 : 1) &<< UInt64(node.pointee.symbol.number)
            }
            child = node.pointee.next
        }
        return present
    }

    /// Reserved fields are the writer's own: a producer's `seq`, `id` or `received` is kept as unmapped.
    @inline(__always)
    private func isLeftover(_ symbol: Symbol) -> Bool { symbol.number &- 4 > UInt16(truncatingIfNeeded: root.fields.count) &- 4 }

    @inline(never)
    mutating func collectRootLeftovers(_ tree: borrowing EventTree) {
        var child = tree.firstChild(of: .root)
        while child.exists {
            if isLeftover(tree.symbol(of: child)) { leftovers.append(Leftover(node: child, parent: "")) }
            child = tree.next(after: child)
        }
    }

    mutating func collectLeftovers(
        _ object: CanonicalSchema.Object, _ node: NodeIndex, _ tree: borrowing EventTree, path: UnsafeRawBufferPointer, index: Int?
    ) {
        let parent = String(decoding: path, as: UTF8.self) + (index.map { "[\($0)]" } ?? "")
        var member = tree.firstChild(of: node)
        while member.exists {
            let symbol = tree.symbol(of: member)
            if !object.fields.contains(where: { $0.symbol == symbol }) {
                leftovers.append(Leftover(node: member, parent: parent))
            }
            member = tree.next(after: member)
        }
    }

    mutating func writeUnmapped(_ tree: borrowing EventTree, _ field: UnsafePointer<CanonicalSchema.Field>) throws(Rejection) {
        let given = tree.child(of: .root, field.pointee.symbol)
        let hasGiven = given.exists && tree.shape(of: given) != .null
        if hasGiven, tree.shape(of: given) != .object { throw wrongType(field.pointee, "an object", tree.shape(of: given)) }
        guard !leftovers.isEmpty || (hasGiven && tree.firstChild(of: given).exists) else { return }
        key(field, objectStart: -1)
        output.append(UInt8(ascii: "{"))
        unmappedNames.removeAll(keepingCapacity: true)
        if hasGiven {
            var member = tree.firstChild(of: given)
            while member.exists {
                writeLeftover(Leftover(node: member, parent: ""), tree)
                member = tree.next(after: member)
            }
        }
        for leftover in leftovers { writeLeftover(leftover, tree) }
        output.append(UInt8(ascii: "}"))
    }

    mutating func writeLeftover(_ leftover: Leftover, _ tree: borrowing EventTree) {
        if !unmappedNames.isEmpty { output.append(UInt8(ascii: ",")) }
        output.append(UInt8(ascii: "\""))
        let start = output.count
        if !leftover.parent.isEmpty {
            output.append(leftover.parent)
            output.append(UInt8(ascii: "."))
        }
        output.appendEscaped(tree.key(of: leftover.node))
        makeUnique(from: start)
        output.append("\":" as StaticString)
        writeValue(leftover.node, tree)
    }

    /// Puts `~2`, `~3` … behind a name that stands under `unmapped` already: a root member `a` beside
    /// `unmapped.a`, or `actor.x` beside `x` of `actor`. A key twice would make the line one that we refuse ourselves.
    mutating func makeUnique(from start: Int) {
        let end = output.count
        var number = 1
        while true {
            let hash = Hash64.hash(UnsafeRawBufferPointer(rebasing: output.bytes[start...]))
            if !unmappedNames.contains(hash) {
                unmappedNames.append(hash)
                return
            }
            number += 1
            output.truncate(to: end)
            output.append(UInt8(ascii: "~"))
            output.append(decimal: number)
        }
    }
}
