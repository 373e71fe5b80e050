import Foundation

/// Waits for the work that a server does behind its answers.
struct Settling {
    private let server: ServerProcess
    private let start = LoadDriver.now()

    /// Longest wait for either.
    private static let patience: UInt64 = 1_800_000_000_000

    init(_ server: ServerProcess) { self.server = server }

    /// Until the server uses no more than a few percent of a core for two seconds: packing and merging are then done,
    /// and compaction, which waits for longer idleness, has not begun. Seconds until the quiet began.
    func waitUntilPacked() throws -> Double {
        var quietSince = LoadDriver.now()
        var last = try cpuSeconds()
        var bar = ProgressBar("packing and merging", total: 0)
        defer { bar.finish() }
        while LoadDriver.now() - quietSince < 2_000_000_000, LoadDriver.now() - start < Self.patience {
            usleep(250_000)
            let used = try cpuSeconds()
            if used - last > 0.02 { quietSince = LoadDriver.now() }
            last = used
            bar.update(Int((LoadDriver.now() - start) / 1_000_000_000), note: "s")
        }
        return Double(quietSince - start) / 1e9
    }

    /// Until the server says that nothing is left to compact or merge. Seconds since the last answer.
    func waitUntilCompacted() throws -> Double {
        let connection = try LookupConnection(host: server.host, port: server.port, key: server.key)
        var bar = ProgressBar("compacting", total: 0)
        defer { bar.finish() }
        while true {
            let text = String(decoding: try connection.get("/metrics"), as: UTF8.self)
            let left = try Self.gauge("daybook_store_uncompacted_bytes", text) + Self.gauge("daybook_store_unmerged_runs", text)
            let seconds = Double(LoadDriver.now() - start) / 1e9
            if left == 0 { return seconds }
            guard LoadDriver.now() - start < Self.patience else {
                throw CommandFailure("The server still compacts after half an hour; see its log beside --folder (--keep).")
            }
            bar.update(Int(seconds), note: "s")
            usleep(200_000)
        }
    }

    private func cpuSeconds() throws -> Double {
        guard let account = ProcessAccount(server.process) else { throw CommandFailure("The server ended.") }
        return account.cpuSeconds
    }

    private static func gauge(_ name: String, _ text: String) throws -> Double {
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(name + " ") }),
            let value = Double(line.dropFirst(name.count + 1))
        else { throw CommandFailure("The server's metrics have no \(name).") }
        return value
    }
}
