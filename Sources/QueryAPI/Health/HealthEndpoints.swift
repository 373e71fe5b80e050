import Collectors
import Hummingbird

/// How one room is.
public struct RoomHealth: Sendable {
    public enum State: String, Sendable {
        case good
        /// Works, and someone should look: a full dead-letter log, a quarantined segment.
        case warning
        /// Does not do its work.
        case failed
    }

    public var room: String
    public var state: State
    public var reason: String?

    public init(_ room: String, _ state: State = .good, reason: String? = nil) {
        self.room = room
        self.state = state
        self.reason = reason
    }

    /// Works, with whatever somebody should look at.
    public init(_ room: String, warnings: [String]) {
        self.init(room, warnings.isEmpty ? .good : .warning, reason: warnings.isEmpty ? nil : warnings.joined(separator: "; "))
    }
}

/// `GET /health/live` (the process answers) and `/health/ready` (it can do its work; 503 when a room has failed).
public struct HealthEndpoints: Sendable {
    private let rooms: @Sendable () -> [RoomHealth]

    public init(_ rooms: @escaping @Sendable () -> [RoomHealth]) { self.rooms = rooms }

    public var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/health/live", access: .open) { _ in .json(Array(#"{"status":"live"}"#.utf8)) },
            Endpoint(.get, "/health/ready", access: .open) { _ in ready() },
        ]
    }

    private func ready() -> Response {
        let rooms = rooms()
        let hasFailed = rooms.contains { $0.state == .failed }
        var json = JSONBytes()
        json.object { json in
            json.member("status", hasFailed ? "failed" : rooms.contains { $0.state == .warning } ? "warning" : "ready")
            json.key("rooms")
            json.object { json in
                for room in rooms {
                    json.key(room.room)
                    json.object { json in
                        json.member("state", room.state.rawValue)
                        if let reason = room.reason { json.member("reason", reason) }
                    }
                }
            }
        }
        return Response(status: hasFailed ? 503 : 200, type: "application/json", bytes: json.bytes)
    }
}
