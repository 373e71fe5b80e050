import Foundation

/// One measured run: load, settle, lookups.
struct BenchRun {
    let command: BenchCommand
    let events: EventFile
    let size: Int

    /// A server that runs somewhere else: what can be seen from outside.
    func measureForeign(url: String) throws -> BenchReport {
        guard let address = ServerProcess.split(url) else {
            throw CommandFailure("\"\(url)\" is not an address such as http://127.0.0.1:7320; bench speaks plain HTTP only.")
        }
        guard let key = command.key ?? ProcessInfo.processInfo.environment["DAYBOOK_KEY"] else {
            throw CommandFailure("No API key for \(url).", advice: "Give one with --key or DAYBOOK_KEY.")
        }
        let load = try drive(host: address.host, port: address.port, key: key)
        var report = BenchReport(load: load)
        if !command.noLookups {
            report.lookups = try LookupRun(host: address.host, port: address.port, key: key).measure(LookupQuestion.set(for: events))
        }
        return report
    }

    /// A server of our own on `data`, stopped and started again between load and lookups, so that the first lookups
    /// meet no memory of the load.
    func measureOwn(data: String) throws -> BenchReport {
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        let arguments = command.pipelines.map { ["--pipelines", $0] } ?? []
        let syncMicroseconds = DiskAccount.syncMicroseconds(folder: data)
        let server = try ServerProcess(data: data, arguments: arguments)
        let measured: (report: BenchReport, peak: Int)
        do { measured = try loadAndSettle(server, data: data) } catch {
            server.kill(SIGKILL)
            throw error
        }
        server.stop()
        var report = measured.report
        report.server?.syncMicroseconds = syncMicroseconds
        guard !command.noLookups else { return report }

        DiskAccount.dropFromCache(folder: data)
        let again = try ServerProcess(data: data, arguments: arguments)
        defer { again.stop() }
        report.lookups = try LookupRun(host: again.host, port: again.port, key: again.key).measure(LookupQuestion.set(for: events))
        report.server?.peakMemoryBytesDuringLookups = ProcessAccount(again.process)?.peakMemoryBytes ?? 0
        return report
    }

    private func loadAndSettle(_ server: ServerProcess, data: String) throws -> (report: BenchReport, peak: Int) {
        func account() throws -> ProcessAccount {
            guard let account = ProcessAccount(server.process) else { throw CommandFailure("The server ended.") }
            return account
        }
        let before = try account()
        let load = try drive(host: server.host, port: server.port, key: server.key)
        let answered = try account()
        let settling = Settling(server)
        let packedSeconds = try settling.waitUntilPacked()
        let packed = try account()
        let compactedSeconds = try settling.waitUntilCompacted()
        let compacted = try account()
        let count = Double(max(1, load.accepted))
        let disk = DiskAccount(folder: data)
        let store = disk.parts.filter { $0.key.hasPrefix("store") }.values.reduce(0, +)
        let figures = BenchReport.Server(
            microsecondsPerEvent: answered.since(before).cpuSeconds * 1e6 / count,
            microsecondsPerEventPacked: packed.since(before).cpuSeconds * 1e6 / count,
            microsecondsPerEventCompacted: compacted.since(before).cpuSeconds * 1e6 / count,
            microsecondsPerEventByStage: compacted.since(before).cpuByThread.mapValues { $0 * 1e6 / count },
            packedSeconds: packedSeconds, compactedSeconds: compactedSeconds, peakMemoryBytes: compacted.peakMemoryBytes,
            peakMemoryBytesDuringLookups: 0,
            bytesPerEventByPart: disk.parts.mapValues { Double($0) / count }, storeBytesPerEvent: Double(store) / count)
        return (BenchReport(load: load, server: figures), compacted.peakMemoryBytes)
    }

    private func drive(host: String, port: UInt16, key: String) throws -> BenchReport.Load {
        let plan = LoadPlan(
            host: host, port: port, key: key, batch: command.batch, connections: command.connections, rate: command.rate, events: size,
            seconds: command.duration)
        var bar = ProgressBar("loading", total: size == .max ? 0 : size)
        var driver = try LoadDriver(plan, file: events)
        let before = ProcessAccount(getpid())
        let result = try driver.run { done in bar.update(done, note: "\(Numbers.grouped(done)) events") }
        let driverSeconds = before.flatMap { ProcessAccount(getpid())?.since($0).cpuSeconds } ?? 0
        bar.finish()
        return BenchReport.Load(
            batch: plan.batch, connections: plan.connections, rate: plan.rate, events: result.events, accepted: result.accepted,
            duplicates: result.duplicates, rejected: result.rejected, deferredRequests: result.deferred, bytes: result.bytes,
            seconds: result.seconds, eventsPerSecond: result.eventsPerSecond,
            megabytesPerSecond: Double(result.bytes) / result.seconds / 1e6,
            acknowledged: Percentiles(result.latency), driverMicrosecondsPerEvent: driverSeconds * 1e6 / Double(max(1, result.events)))
    }
}
