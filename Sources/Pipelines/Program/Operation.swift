import EventModel

/// A scalar of a definition; its bytes belong to the program.
struct Literal: BitwiseCopyable {
    var shape: EventTree.Shape
    /// Needs no escaping between quotes.
    var isPlain: Bool
    var text: UnsafeRawBufferPointer
}

/// One instruction of a compiled pipeline. Plain bits: tables are named by index into the program's lists.
enum Operation: BitwiseCopyable {
    /// Takes a value from one place to another that is still free; where it is not, the value stays and ends up in
    /// `unmapped`.
    case move(from: FieldPath, to: FieldPath)
    case copy(from: FieldPath, to: FieldPath)
    case set(FieldPath, Literal)
    /// Sets what is missing or null.
    case setDefault(FieldPath, Literal)
    /// Fills a missing place from a template, if everything it names is there.
    case fill(FieldPath, template: Int)
    case translate(FieldPath, table: Int)
    case classify(FieldPath, table: Int)
    case split(FieldPath, table: Int)
    case match(FieldPath, table: Int)
    case readTime(FieldPath, table: Int)
    case lowercase(FieldPath)
    /// Drops what an earlier step made only for itself.
    case remove(FieldPath)
    case require(group: Int)
    case allow(FieldPath, table: Int)
}

/// An operation with what it depends on and where it came from.
struct Instruction {
    var operation: Operation
    /// The root member without which the operation does nothing, `.unknown` where it always may: most steps ask for
    /// something that most events do not have, and this is the quickest way to find out.
    var needs: Symbol
    /// Index into `Program.conditions`, -1 for always.
    var condition: Int
    /// Index of the step in the definition.
    var step: Int
}

/// One test of a `when:`.
struct Condition {
    enum Test {
        case present
        case missing
        /// An object or array with nothing in it.
        case empty
        case shape(EventTree.Shape)
        case oneOf(UnsafeBufferPointer<Literal>)
    }

    var path: FieldPath
    var test: Test

    func holds(_ tree: borrowing EventTree) -> Bool {
        let node = tree.resolve(path)
        switch test {
        case .present: return node.exists && tree.shape(of: node) != .null
        case .missing: return !node.exists || tree.shape(of: node) == .null
        case .empty:
            return node.exists && tree.shape(of: node).rawValue >= EventTree.Shape.object.rawValue && !tree.firstChild(of: node).exists
        case .shape(let shape): return node.exists && tree.shape(of: node) == shape
        case .oneOf(let literals):
            guard node.exists else { return false }
            let text = tree.text(of: node)
            for literal in literals where TextPattern.same(literal.text, text) { return true }
            return false
        }
    }
}

/// What a rule of `map`, `classify` or `match` does when it applies.
struct Assignment {
    var path: FieldPath
    var literal: Literal
    /// Only where the place is still free.
    var onlyMissing: Bool
}

/// `{actor.name} logged in`: pieces of text and places in turn.
struct Template {
    enum Piece {
        case text(Literal)
        case place(FieldPath)
    }

    var pieces: UnsafeBufferPointer<Piece>
}

/// `map`: exact values to assignments.
struct Translation {
    struct Case {
        var value: Literal
        var assignments: UnsafeBufferPointer<Assignment>
    }

    var cases: UnsafeBufferPointer<Case>
    var otherwise: UnsafeBufferPointer<Assignment>
}

/// `classify`: the first rule that holds.
struct Classification {
    enum Test {
        case contains(UnsafeBufferPointer<Literal>)
        case startsWith(UnsafeBufferPointer<Literal>)
        case equals(UnsafeBufferPointer<Literal>)
        /// Of a number, both ends included.
        case range(low: Int, high: Int)
    }

    struct Rule {
        var test: Test
        var assignments: UnsafeBufferPointer<Assignment>
    }

    var rules: UnsafeBufferPointer<Rule>
    var otherwise: UnsafeBufferPointer<Assignment>
}

/// `split`: the parts of a text to places; `nil` skips a part. The last place takes all that is left.
struct Splitting {
    var separator: Literal
    var places: UnsafeBufferPointer<FieldPath?>
}

/// `require`: one of these places.
struct Requirement {
    var anyOf: UnsafeBufferPointer<FieldPath>
    /// For the message.
    var names: Literal
}

/// `allow`: what a place may hold.
struct Allowance {
    var values: UnsafeBufferPointer<Literal>
    /// For the message.
    var names: Literal
}

/// `match`: the first pattern that fits.
struct Matching {
    struct Rule {
        var pattern: TextPattern
        var assignments: UnsafeBufferPointer<Assignment>
    }

    var rules: UnsafeBufferPointer<Rule>
    var otherwise: UnsafeBufferPointer<Assignment>
}

extension Literal {
    var string: String { String(decoding: text, as: UTF8.self) }
}

extension Operation {
    var needs: Symbol {
        switch self {
        case .move(let path, _), .copy(let path, _), .translate(let path, _), .classify(let path, _), .split(let path, _),
            .match(let path, _), .readTime(let path, _), .lowercase(let path), .remove(let path), .allow(let path, _):
            path[0]
        case .set, .setDefault, .fill, .require: .unknown
        }
    }
}
