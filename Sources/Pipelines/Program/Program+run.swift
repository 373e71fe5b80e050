import EventModel

extension Program {
    /// Runs all instructions, or those of one step, over `tree`. Pure: depends on nothing but the tree and `received`.
    func run(_ tree: inout EventTree, received: Timestamp, onlyStep: Int? = nil) throws(Rejection) {
        var next = instructions.baseAddress!
        let end = next + instructions.count
        while next < end {
            let instruction = next
            next += 1
            if instruction.pointee.needs != .unknown, !tree.child(of: .root, instruction.pointee.needs).exists { continue }
            if let onlyStep, instruction.pointee.step != onlyStep { continue }
            if instruction.pointee.condition >= 0, !holds(conditions[instruction.pointee.condition], tree) { continue }
            try perform(instruction.pointee.operation, &tree, received)
        }
    }

    @inline(__always)
    private func holds(_ condition: UnsafeBufferPointer<Condition>, _ tree: borrowing EventTree) -> Bool {
        for test in condition where !test.holds(tree) { return false }
        return true
    }

    private func perform(_ operation: Operation, _ tree: inout EventTree, _ received: Timestamp) throws(Rejection) {
        switch operation {
        case .move(let from, let to): move(from, to, &tree)
        case .copy(let from, let to):
            let node = tree.resolve(from)
            if node.exists, !isTaken(tree.resolve(to), tree) { tree.place(tree.copy(node), at: to) }
        case .set(let path, let literal):
            if path.arrayDepth == 0 { tree.displace(path, for: literal.text) }
            tree.place(tree.make(literal), at: path)
        case .setDefault(let path, let literal):
            if path.arrayDepth == 0 {
                if !isTaken(tree.resolve(path), tree) { tree.place(tree.make(literal), at: path) }
            } else {
                forEachElement(path, &tree) { element, first, tree in
                    if !self.isTaken(tree.resolve(path, from: first, below: element), tree) {
                        tree.place(tree.make(literal), at: path, from: first, below: element)
                    }
                }
            }
        case .fill(let path, let template): fill(path, templates[template], &tree)
        case .translate(let path, let table): translate(path, translations[table], &tree)
        case .classify(let path, let table): classify(path, classifications[table], &tree)
        case .split(let path, let table): split(path, splittings[table], &tree)
        case .match(let path, let table): match(path, table, &tree)
        case .readTime(let path, let table): try readTime(path, times[table], &tree, received)
        case .lowercase(let path): lowercase(path, &tree)
        case .remove(let path):
            let parent = tree.resolveParent(path)
            guard parent.exists else { return }
            let node = tree.child(of: parent, path[Int(path.count) - 1])
            if node.exists { tree.detach(node, from: parent) }
        case .allow(let path, let table): try allow(path, allowances[table], tree)
        case .require(let group): try require(requirements[group], tree)
        }
    }

    @inline(__always)
    private func isTaken(_ node: NodeIndex, _ tree: borrowing EventTree) -> Bool { node.exists && tree.shape(of: node) != .null }

    private func forEachElement(_ path: FieldPath, _ tree: inout EventTree, _ body: (NodeIndex, Int, inout EventTree) -> Void) {
        let depth = Int(path.arrayDepth)
        var array = NodeIndex.root
        for index in 0..<depth {
            guard tree.shape(of: array) == .object else { return }
            array = tree.child(of: array, path[index])
            guard array.exists else { return }
        }
        guard tree.shape(of: array) == .array else { return }
        var element = tree.firstChild(of: array)
        while element.exists {
            if tree.shape(of: element) == .object { body(element, depth, &tree) }
            element = tree.next(after: element)
        }
    }

    private func move(_ from: FieldPath, _ to: FieldPath, _ tree: inout EventTree) {
        if from.arrayDepth == 0 {
            moveBelow(.root, 0, from, to, &tree)
        } else {
            forEachElement(from, &tree) { element, first, tree in self.moveBelow(element, first, from, to, &tree) }
        }
    }

    private func moveBelow(_ base: NodeIndex, _ first: Int, _ from: FieldPath, _ to: FieldPath, _ tree: inout EventTree) {
        let parent = tree.resolveParent(from, from: first, below: base)
        guard parent.exists else { return }
        let node = tree.child(of: parent, from[Int(from.count) - 1])
        guard node.exists else { return }
        tree.detach(node, from: parent)
        // Looked at only now: `source` (a string) may have to make room for `source.ip`.
        if isTaken(tree.resolve(to, from: first, below: base), tree) || !tree.place(node, at: to, from: first, below: base) {
            tree.put(node, into: parent, as: from[Int(from.count) - 1])
        }
    }

    private func fill(_ path: FieldPath, _ template: Template, _ tree: inout EventTree) {
        guard !isTaken(tree.resolve(path), tree) else { return }
        var bytes = 0
        var isPlain = true
        for piece in template.pieces {
            switch piece {
            case .text(let literal):
                bytes += literal.text.count
                isPlain = isPlain && literal.isPlain
            case .place(let place):
                let node = tree.resolve(place)
                guard isTaken(node, tree), tree.text(of: node).count > 0 else { return }
                bytes += tree.text(of: node).count
                isPlain = isPlain && tree.isPlain(node)
            }
        }
        let start = tree.beginText(bytes: bytes)
        for piece in template.pieces {
            switch piece {
            case .text(let literal): tree.appendText(literal.text)
            case .place(let place): tree.appendText(tree.text(of: tree.resolve(place)))
            }
        }
        let made = tree.endText(start, isPlain: isPlain)
        tree.place(made, at: path)
    }

    /// - Parameter field: the place that the values are made from, which may be replaced.
    func assign(_ assignments: UnsafeBufferPointer<Assignment>, from field: FieldPath, _ tree: inout EventTree) {
        for assignment in assignments {
            if assignment.onlyMissing {
                if isTaken(tree.resolve(assignment.path), tree) { continue }
            } else if assignment.path != field {
                tree.displace(assignment.path, for: assignment.literal.text)
            }
            tree.place(tree.make(assignment.literal), at: assignment.path)
        }
    }

    private func translate(_ path: FieldPath, _ translation: Translation, _ tree: inout EventTree) {
        let node = tree.resolve(path)
        guard isTaken(node, tree) else { return }
        let text = tree.text(of: node)
        for index in translation.cases.indices where TextPattern.same(translation.cases[index].value.text, text) {
            return assign(translation.cases[index].assignments, from: path, &tree)
        }
        assign(translation.otherwise, from: path, &tree)
    }

    private func classify(_ path: FieldPath, _ classification: Classification, _ tree: inout EventTree) {
        let node = tree.resolve(path)
        guard isTaken(node, tree) else { return }
        let text = tree.text(of: node)
        for index in classification.rules.indices where holds(classification.rules[index].test, text) {
            return assign(classification.rules[index].assignments, from: path, &tree)
        }
        assign(classification.otherwise, from: path, &tree)
    }

    private func holds(_ test: Classification.Test, _ text: UnsafeRawBufferPointer) -> Bool {
        switch test {
        case .contains(let needles):
            for needle in needles where TextPattern.find(needle.text, in: text, from: 0) != nil { return true }
        case .startsWith(let needles):
            for needle in needles where TextPattern.has(needle.text, in: text, at: 0) { return true }
        case .equals(let values):
            for value in values where TextPattern.same(value.text, text) { return true }
        case .range(let low, let high): return integer(text).map { low <= $0 && $0 <= high } ?? false
        }
        return false
    }

    private func integer(_ text: UnsafeRawBufferPointer) -> Int? {
        guard text.count > 0, text.count < 16 else { return nil }
        var value = 0
        for byte in text {
            guard byte &- UInt8(ascii: "0") < 10 else { return nil }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return value
    }

    private func split(_ path: FieldPath, _ splitting: Splitting, _ tree: inout EventTree) {
        let node = tree.resolve(path)
        guard node.exists, tree.shape(of: node) == .string else { return }
        let separator = splitting.separator.text
        var start = 0
        for (index, place) in splitting.places.enumerated() {
            let text = tree.text(of: node)
            guard start <= text.count else { return }
            let isLast = index == splitting.places.count - 1
            let end = isLast ? text.count : TextPattern.find(separator, in: text, from: start) ?? text.count
            if let place, end > start, !isTaken(tree.resolve(place), tree) {
                tree.place(tree.makeString(UnsafeRawBufferPointer(rebasing: text[start..<end])), at: place)
            }
            start = end + separator.count
        }
    }

    private func match(_ path: FieldPath, _ table: Int, _ tree: inout EventTree) {
        let node = tree.resolve(path)
        guard node.exists, tree.shape(of: node) == .string else { return }
        for rule in matches[table].rules {
            guard let captures = rule.pattern.match(tree.text(of: node)) else { continue }
            var next = 0
            for case .capture(let place) in rule.pattern.pieces {
                if let place {
                    func captured() -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: tree.text(of: node)[captures[next]]) }
                    if place != path { tree.displace(place, for: captured()) }
                    tree.place(tree.makeString(captured()), at: place)
                }
                next += 1
            }
            return assign(rule.assignments, from: path, &tree)
        }
        assign(matches[table].otherwise, from: path, &tree)
    }

    private func readTime(_ path: FieldPath, _ reading: TimeReading, _ tree: inout EventTree, _ received: Timestamp) throws(Rejection) {
        let parent = tree.resolveParent(path)
        guard parent.exists else { return }
        let node = tree.child(of: parent, path[Int(path.count) - 1])
        guard isTaken(node, tree) else { return }
        // The usual case costs nothing here: the canonical writer reads RFC 3339 by itself.
        if path == reading.place, tree.shape(of: node) == .string, reading.formats.first == .rfc3339, tree.time(of: node) != nil {
            return
        }
        guard let time = reading.read(tree.text(of: node), isNumber: tree.shape(of: node) == .number, received: received) else {
            let formats = reading.formats.map(\.rawValue).joined(separator: ", ")
            throw Rejection(
                field: path.text(tree.symbols), code: .invalidValue,
                message: "\"\(tree.string(of: node).prefix(64))\" is not a time in one of these formats: \(formats)")
        }
        tree.detach(node, from: parent)
        tree.place(tree.makeString(time.description), at: reading.place)
    }

    private func lowercase(_ path: FieldPath, _ tree: inout EventTree) {
        let node = tree.resolve(path)
        guard node.exists, tree.shape(of: node) == .string else { return }
        let text = tree.text(of: node)
        guard text.contains(where: { $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") }) else { return }
        var lowered = tree.string(of: node).lowercased()
        lowered.withUTF8 { tree.setString(node, UnsafeRawBufferPointer($0)) }
    }

    private func allow(_ path: FieldPath, _ allowance: Allowance, _ tree: borrowing EventTree) throws(Rejection) {
        let node = tree.resolve(path)
        guard isTaken(node, tree) else { return }
        let text = tree.text(of: node)
        for value in allowance.values where TextPattern.same(value.text, text) { return }
        throw Rejection(
            field: path.text(tree.symbols), code: .invalidValue,
            message: "\"\(tree.string(of: node).prefix(64))\" is not one of: \(allowance.names.string)")
    }

    private func require(_ requirement: Requirement, _ tree: borrowing EventTree) throws(Rejection) {
        for path in requirement.anyOf where isTaken(tree.resolve(path), tree) { return }
        let first = requirement.anyOf[0].text(tree.symbols)
        throw Rejection(field: first, code: .required, message: "\(requirement.names.string) must be there")
    }
}

extension EventTree {
    @inline(__always)
    mutating func make(_ literal: Literal) -> NodeIndex {
        switch literal.shape {
        case .string, .number, .boolean: makeConstant(literal.text, shape: literal.shape, isPlain: literal.isPlain)
        default: makeEmpty(.null)
        }
    }
}
