import EventModel

/// Where an event names something: ids, types, sessions, what joins events. There `token:0` and `secret:17` are names of
/// things and no pairs of a key and its value; taking the half behind the colon out would make one of many, and of
/// `original_id` that loses events.
enum NamePlaces {
    static let root: Set = [
        "kind", "type", "area", "category", "session", "brand", "message_id", "operation", "correlation_id", "change_set", "trace_id",
        "original_id",
    ]
    /// Root members that are objects with names among their members, or arrays of such.
    static let objects: Set = ["actor", "effective_user", "target", "targets", "request", "webhook", "failure", "integration", "producer"]
    static let members: Set = ["id", "type", "event"]
    /// By these and the tenant a duplicate is told, so they are never changed at all: an event is refused instead.
    static let identity = [["original_id"], ["producer", "name"]]

    /// All of them, as paths that go through arrays.
    static let paths: [[String]] =
        root.map { [$0] } + objects.flatMap { object in members.map { [object, $0] } } + [["producer", "name"]]
}

/// Which object of an event is walked.
enum EventPart: BitwiseCopyable {
    case root
    /// One that has names among its members.
    case named
    case producer
    case other
}

/// The same by symbol, for canonical events.
struct NameSymbols {
    private let root: UInt64
    private let objects: UInt64
    private let members: UInt64
    private let name = CanonicalSchema.symbol("name")
    private let producer = CanonicalSchema.symbol("producer")

    init() {
        func mask(_ names: Set<String>) -> UInt64 {
            names.reduce(0) {
                let number = CanonicalSchema.symbol($1).number
                precondition(number < 64, "a word has no bit for \($1)")
                return $0 | 1 << UInt64(number)
            }
        }
        root = mask(NamePlaces.root)
        objects = mask(NamePlaces.objects)
        members = mask(NamePlaces.members)
    }

    @inline(__always)
    private static func holds(_ mask: UInt64, _ symbol: Symbol) -> Bool { symbol.number < 64 && mask &>> UInt64(symbol.number) & 1 == 1 }

    /// What the object at `symbol`, a member of `part`, is.
    @inline(__always)
    func part(_ symbol: Symbol, in part: EventPart) -> EventPart {
        guard part == .root, Self.holds(objects, symbol) else { return .other }
        return symbol == producer ? .producer : .named
    }

    /// Whether the text at `symbol`, a member of `part`, is a name.
    @inline(__always)
    func isName(_ symbol: Symbol, in part: EventPart) -> Bool {
        switch part {
        case .root: Self.holds(root, symbol)
        case .named: Self.holds(members, symbol)
        case .producer: symbol == name || Self.holds(members, symbol)
        case .other: false
        }
    }

    /// `producer` and its name, which no word finds.
    @inline(__always)
    func isKept(_ symbol: Symbol, in part: EventPart) -> Bool {
        part == .root && symbol == producer || part == .producer && symbol == name
    }
}
