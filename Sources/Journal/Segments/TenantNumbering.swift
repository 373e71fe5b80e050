/// Tenants by number while they are gathered from segments and stores, in any order and with holes.
struct TenantNumbering {
    private(set) var states: [TenantState?] = []

    /// Stands for a name that is lost; no tenant can be called so, and whoever knows the name may give it.
    private static func placeholder(_ number: UInt32) -> String { "#\(number)" }

    /// Stores come first, then segments. Raises the tenant's `seq`; a number that already has another name is a folder that does not belong here.
    mutating func merge(name: String, number: UInt32, lastSeq: UInt64) throws(JournalError) {
        grow(to: number)
        let name = name == Self.placeholder(number) ? "" : name
        let known = states[Int(number)] ?? TenantState(name: "", lastSeq: 0)
        if !known.name.isEmpty, !name.isEmpty, known.name != name {
            throw .tenantMismatch(number: number, journal: name, store: known.name)
        }
        states[Int(number)] = TenantState(name: name.isEmpty ? known.name : name, lastSeq: max(lastSeq, known.lastSeq))
    }

    /// `line` gives the name of a tenant whose naming frame is lost.
    mutating func raise(number: UInt32, lastSeq: UInt64, line: () -> String?) {
        grow(to: number)
        if let known = states[Int(number)] {
            if lastSeq > known.lastSeq { states[Int(number)]!.lastSeq = lastSeq }
        } else {
            states[Int(number)] = TenantState(name: line() ?? "", lastSeq: lastSeq)
        }
    }

    /// Dense, by number. A number nobody has a name for any more keeps its place, so that it is never given again.
    var dense: [TenantState] {
        states.enumerated().map { number, state in
            let state = state ?? TenantState(name: "", lastSeq: 0)
            return state.name.isEmpty ? TenantState(name: Self.placeholder(UInt32(number)), lastSeq: state.lastSeq) : state
        }
    }

    private mutating func grow(to number: UInt32) {
        while states.count <= Int(number) { states.append(nil) }
    }
}
