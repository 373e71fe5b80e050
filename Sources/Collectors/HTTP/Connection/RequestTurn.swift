/// Whose the request is that has its turn on a connection.
enum RequestTurn {
    case nobody
    /// The handler's own, while its body arrives.
    case reading
    /// The handler's own, while the journal or a task works on it.
    case committing
    /// Hummingbird's.
    case passed(Passed)
    /// The connection is to be closed: what comes is dropped.
    case over

    /// Hummingbird may answer before it has read the body, so its turn ends with the later of the two.
    struct Passed {
        var isKeptAlive: Bool
        var isRead = false
        var isAnswered = false
    }

    /// A request was read and is not answered yet.
    var isBusy: Bool {
        switch self {
        case .nobody, .reading, .over: false
        case .committing: true
        case .passed(let request): request.isRead
        }
    }
}
