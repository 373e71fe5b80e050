import Synchronization

/// Names of tenants and the small numbers that stand for them inside: in event ids, in blocks, in terms.
///
/// The journal owns the truth (its segments carry the table); everybody else reads. Numbers are dense from 0 and
/// never given twice.
public final class TenantDirectory: Sendable {
    private struct State {
        var names: [String] = []
        var numbers: [String: UInt32] = [:]
    }

    private let state = Mutex(State())

    public init() {}

    public var count: Int { state.withLock { $0.names.count } }

    /// All names; the index is the number.
    public var names: [String] { state.withLock { $0.names } }

    public func number(of name: String) -> UInt32? { state.withLock { $0.numbers[name] } }

    public func name(of number: UInt32) -> String? {
        state.withLock { Int(number) < $0.names.count ? $0.names[Int(number)] : nil }
    }

    /// The number of `name`, given now when it is new; `nil` when ``Limits/tenants`` are taken.
    public func register(_ name: String) -> UInt32? {
        state.withLock { state in
            if let known = state.numbers[name] { return known }
            guard state.names.count < Limits.tenants else { return nil }
            let number = UInt32(state.names.count)
            state.names.append(name)
            state.numbers[name] = number
            return number
        }
    }
}
