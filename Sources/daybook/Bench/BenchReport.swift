import Foundation

/// Figures of one run.
struct BenchReport: Encodable {
    struct Load: Encodable {
        var batch: Int
        var connections: Int
        var rate: Int
        var events: Int
        var accepted: Int
        var duplicates: Int
        var rejected: Int
        var deferredRequests: Int
        var bytes: Int
        var seconds: Double
        var eventsPerSecond: Double
        var megabytesPerSecond: Double
        /// Microseconds, from when a request was due to its whole answer.
        var acknowledged: Percentiles
        /// Of the driver itself, which shares the machine.
        var driverMicrosecondsPerEvent: Double
    }

    /// Only of a server that the bench has started itself.
    struct Server: Encodable {
        /// Until the last answer.
        var microsecondsPerEvent: Double
        /// Until packing and merging had come to rest as well.
        var microsecondsPerEventPacked: Double
        /// All in: until compaction, which waits for idle times, had nothing left to do.
        var microsecondsPerEventCompacted: Double
        /// The latter by stage, which is by the server's threads.
        var microsecondsPerEventByStage: [String: Double]
        /// After the last answer.
        var packedSeconds: Double
        var compactedSeconds: Double
        var peakMemoryBytes: Int
        var peakMemoryBytesDuringLookups: Int
        var bytesPerEventByPart: [String: Double]
        /// Median of one append and `fdatasync` on the same disk before the load: what one acknowledgement must take.
        var syncMicroseconds = 0.0
        /// What the store needs: its index and members.
        var storeBytesPerEvent: Double
    }

    var load: Load
    var server: Server?
    var lookups: [LookupRun.Figure] = []
}

extension BenchReport {
    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    func lines() -> [String] {
        var lines = [
            "\(Numbers.grouped(load.events)) events, \(load.batch) a request, \(load.connections) connections"
                + (load.rate > 0 ? ", \(Numbers.grouped(load.rate)) a second wanted" : ""),
            row("rate", "\(Numbers.fixed(load.eventsPerSecond, 0)) events/s, \(Numbers.fixed(load.megabytesPerSecond, 1)) MB/s"),
            row("acknowledged", Self.text(load.acknowledged)),
            row(
                "accepted",
                "\(Numbers.grouped(load.accepted)), \(Numbers.grouped(load.duplicates)) duplicates, \(Numbers.grouped(load.rejected)) rejected, "
                    + "\(Numbers.grouped(load.deferredRequests)) requests deferred"),
        ]
        if let server {
            lines += [
                row(
                    "server CPU",
                    "\(Numbers.fixed(server.microsecondsPerEvent, 2)) µs an event to the last answer, "
                        + "\(Numbers.fixed(server.microsecondsPerEventPacked, 2)) packed and merged (after "
                        + "\(Numbers.fixed(server.packedSeconds, 1)) s), \(Numbers.fixed(server.microsecondsPerEventCompacted, 2)) "
                        + "compacted as well (after \(Numbers.fixed(server.compactedSeconds, 1)) s)"
                ),
                row("by stage", Self.list(server.microsecondsPerEventByStage, 2) + " µs"),
                row("disk sync", "one append and fdatasync p50 \(Numbers.duration(microseconds: server.syncMicroseconds))"),
                row("driver CPU", "\(Numbers.fixed(load.driverMicrosecondsPerEvent, 2)) µs an event"),
                row(
                    "memory",
                    "\(Numbers.bytes(server.peakMemoryBytes)) peak, \(Numbers.bytes(server.peakMemoryBytesDuringLookups)) during lookups"),
                row(
                    "disk",
                    "\(Numbers.fixed(server.storeBytesPerEvent, 1)) B an event in the store; " + Self.list(server.bytesPerEventByPart, 1)),
            ]
        }
        guard !lookups.isEmpty else { return lines }
        var table = Table([
            .init(title: "LOOKUP", most: 36), .init(title: server == nil ? "FIRST" : "COLD", most: 12, right: true),
            .init(title: "P50", most: 12, right: true), .init(title: "P99", most: 12, right: true),
            .init(title: "VARIANTS", most: 8, right: true), .init(title: "FOUND", most: 9, right: true),
            .init(title: "SCANNED", most: .max),
        ])
        let rows = lookups.map { figure in
            let scanned = figure.scanned.sorted { $0.key < $1.key }.map { "\($0.key) \(Numbers.grouped(Int($0.value.rounded())))" }
            return [
                figure.name, Numbers.duration(microseconds: figure.coldMicroseconds), Numbers.duration(microseconds: figure.warm.p50),
                Numbers.duration(microseconds: figure.warm.p99), String(figure.variants), Numbers.grouped(Int(figure.found.rounded())),
                scanned.joined(separator: ", "),
            ]
        }
        return lines + [""] + table.render(rows)
    }

    /// Runs of growing size next to each other: what should stay flat, and whether it does.
    static func sideBySide(_ reports: [BenchReport]) -> [String] {
        var table = Table(
            [.init(title: "", most: 36)]
                + reports.map { .init(title: Numbers.grouped($0.load.events), most: 16, right: true) })
        func line(_ name: String, _ value: (BenchReport) -> String) -> [String] { [name] + reports.map(value) }
        var rows = [
            line("events/s") { Numbers.fixed($0.load.eventsPerSecond, 0) },
            line("server CPU, µs an event, packed") { Numbers.fixed($0.server?.microsecondsPerEventPacked ?? .nan, 2) },
            line("server CPU, µs an event, compacted") { Numbers.fixed($0.server?.microsecondsPerEventCompacted ?? .nan, 2) },
            line("store, bytes an event") { Numbers.fixed($0.server?.storeBytesPerEvent ?? .nan, 1) },
            line("peak memory") { Numbers.bytes($0.server?.peakMemoryBytes ?? 0) },
            line("acknowledged p99") { Numbers.duration(microseconds: $0.load.acknowledged.p99) },
        ]
        for name in reports.first?.lookups.map(\.name) ?? [] {
            rows.append(
                line(name) { report in
                    report.lookups.first { $0.name == name }.map { Numbers.duration(microseconds: $0.warm.p50) } ?? "–"
                })
        }
        return table.render(rows)
    }

    private func row(_ name: String, _ text: String) -> String { TextWidth.fit("  " + name, 16) + text }

    private static func text(_ figure: Percentiles) -> String {
        [("p50", figure.p50), ("p90", figure.p90), ("p99", figure.p99), ("p99.9", figure.p999), ("max", figure.max)]
            .map { "\($0.0) \(Numbers.duration(microseconds: $0.1))" }.joined(separator: ", ")
    }

    private static func list(_ parts: [String: Double], _ digits: Int) -> String {
        parts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.key) \(Numbers.fixed($0.value, digits))" }.joined(
            separator: ", ")
    }
}
