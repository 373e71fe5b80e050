import Foundation

/// What a process has used, from /proc (proc(5)).
struct ProcessAccount {
    /// User and system time, seconds.
    var cpuSeconds: Double
    /// The same by thread, under the name of the stage that the thread serves.
    var cpuByThread: [String: Double]
    var peakMemoryBytes: Int
    var memoryBytes: Int

    private static let ticksPerSecond = Double(sysconf(Int32(_SC_CLK_TCK)))

    /// `nil` when there is no such process.
    init?(_ process: pid_t) {
        guard let whole = Self.cpu("/proc/\(process)/stat") else { return nil }
        cpuSeconds = whole.seconds
        cpuByThread = [:]
        for thread in (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")) ?? [] {
            guard let used = Self.cpu("/proc/\(process)/task/\(thread)/stat") else { continue }
            cpuByThread[used.name, default: 0] += used.seconds
        }
        let status = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
        peakMemoryBytes = Self.kibibytes("VmHWM:", status) * 1024
        memoryBytes = Self.kibibytes("VmRSS:", status) * 1024
    }

    /// Time used since `earlier`. Threads that have ended since count in the whole only.
    func since(_ earlier: ProcessAccount) -> ProcessAccount {
        var difference = self
        difference.cpuSeconds -= earlier.cpuSeconds
        for (name, seconds) in earlier.cpuByThread { difference.cpuByThread[name, default: 0] -= seconds }
        difference.cpuByThread = difference.cpuByThread.filter { $0.value > 0.005 }
        return difference
    }

    private static func cpu(_ path: String) -> (name: String, seconds: Double)? {
        // The name stands in parentheses and may hold anything, so fields are counted from the last one.
        guard let text = try? String(contentsOfFile: path, encoding: .utf8), let open = text.firstIndex(of: "("),
            let close = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: close)...].split(separator: " ")
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return nil }
        var name = String(text[text.index(after: open)..<close])
        while let last = name.last, last.isNumber || last == "#" || last == "-" { name.removeLast() }
        return (stages[name] ?? name, (user + system) / ticksPerSecond)
    }

    /// Threads whose names tell too little: those of Swift's own pool run what is awaited, above all normalising; the
    /// event loops are SwiftNIO's. Numbers at the ends of names are cut off before, so that a pool counts as one.
    private static let stages = [
        "oot.default-qos": "normalising", "NIO-SGLTN": "network", "packer": "packing", "merger": "merging", "compactor": "compaction",
        "lookup": "lookups",
    ]

    private static func kibibytes(_ label: String, _ status: String) -> Int {
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix(label) }) else { return 0 }
        return line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0
    }
}
