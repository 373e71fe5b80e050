import Foundation
import Testing

@testable import daybook

/// One run of the built program, as a shell sees it.
struct DaybookProcess: Sendable {
    var status: Int32
    var output: String
    var errors: String

    /// Beside the test bundle, unless another build is to be tried.
    static let executable =
        ProcessInfo.processInfo.environment["DAYBOOK_EXECUTABLE"]
        ?? URL(fileURLWithPath: ServerProcess.ownExecutable).deletingLastPathComponent().path + "/daybook"

    /// Runs it to its end. No variable of ours is handed on but those in `variables`. Standard input is empty.
    static func run(_ arguments: [String], variables: [String: String] = [:]) async throws -> DaybookProcess {
        // A thread of its own: the server that it talks to may need those that tests run on.
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try runAndWait(arguments, variables) }) }
        }
    }

    private static func runAndWait(_ arguments: [String], _ variables: [String: String]) throws -> DaybookProcess {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("DAYBOOK_") }.merging(variables) { $1 }
        process.standardInput = FileHandle.nullDevice
        let output = Pipe()
        // A file: two pipes read one after the other can block the program.
        let path = FileManager.default.temporaryDirectory.path + "/daybook-errors-\(UUID().uuidString)"
        try Data().write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        process.standardOutput = output
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return DaybookProcess(
            status: process.terminationStatus, output: String(decoding: bytes, as: UTF8.self),
            errors: try String(contentsOfFile: path, encoding: .utf8))
    }

    /// Standard output as one JSON object.
    var json: [String: Any] {
        get throws { try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any], "\(output) \(errors)") }
    }

    /// Standard output as one JSON object a line.
    var jsonLines: [[String: Any]] {
        get throws {
            try output.split(separator: "\n").map { line in
                try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)")
            }
        }
    }
}
