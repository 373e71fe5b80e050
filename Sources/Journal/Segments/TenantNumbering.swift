/// Tenants by number while they are gathered from segments and stores, in any order and with holes.
struct TenantNumbering {
    private(set) var states: [TenantState?] = []

    /// Raises the tenant's `seq`; a number that already has another name is a folder that does not belong here.
    mutating func merge(name: String, number: UInt32, lastSeq: UInt64) throws(JournalError) {
        grow(to: number)
        if let known = states[Int(number)], known.name != name, !known.name.isEmpty {
            throw .tenantMismatch(number: number, journal: known.name, store: name)
        }
        states[Int(number)] = TenantState(name: name, lastSeq: max(lastSeq, states[Int(number)]?.lastSeq ?? 0))
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
            return state.name.isEmpty ? TenantState(name: "unnamed.\(number)", lastSeq: state.lastSeq) : state
        }
    }

    private mutating func grow(to number: UInt32) {
        while states.count <= Int(number) { states.append(nil) }
    }
}
