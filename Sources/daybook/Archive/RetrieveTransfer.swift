import Archive
import DaybookClient
import Foundation
import Synchronization

/// Brings files from the server into the folder, goes on where one is there in part, and shows how far it is.
final class RetrieveTransfer: Sendable {
    let client: DaybookClient
    private let progress: Mutex<Progress>

    private struct Progress {
        var bar: ProgressBar
        var done = 0
        var received = 0
        var note = ""
    }

    private static let attempts = 5

    init(_ client: DaybookClient, total: Int) {
        self.client = client
        progress = Mutex(Progress(bar: ProgressBar("Retrieving", total: total)))
    }

    /// Bytes that came over the network into files.
    var received: Int { progress.withLock { $0.received } }

    func advance(_ bytes: Int, isReceived: Bool = false, note: String? = nil) {
        progress.withLock { progress in
            progress.done += bytes
            if isReceived { progress.received += bytes }
            if let note { progress.note = note }
            progress.bar.update(progress.done, note: progress.note)
        }
    }

    func finish() { progress.withLock { $0.bar.finish() } }

    /// The rest of `path` behind what the file holds already, which may be nothing. Not checked: the caller knows its hash.
    func fetchRest(_ path: String, into name: String, of folder: RetrieveFolder) async throws {
        try folder.makeFolder(of: name)
        try await append(to: folder.file(name)) { held in
            var request = HTTPRequest(path: path)
            if held > 0 { request.headers = [("Range", "bytes=\(held)-")] }
            return request
        }
    }

    /// `request` is made anew for each attempt, from the bytes that the file holds by then.
    func append(to path: String, _ request: (_ held: Int) throws -> HTTPRequest) async throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw CommandFailure("\(path) cannot be written: \(String(cString: strerror(errno))).") }
        defer { close(descriptor) }
        var attempt = 1
        while true {
            let held = Int(lseek(descriptor, 0, SEEK_END))
            do {
                try await client.download(try request(held), to: descriptor) { [self] in advance($0, isReceived: true) }
                break
            } catch let error as DaybookError {
                guard case .unreachable = error, attempt < Self.attempts else { throw error }
            }
            try await Task.sleep(for: .milliseconds(250 << attempt))
            attempt += 1
        }
        guard fsync(descriptor) == 0 else { throw CommandFailure("\(path): fsync: \(String(cString: strerror(errno))).") }
    }
}
