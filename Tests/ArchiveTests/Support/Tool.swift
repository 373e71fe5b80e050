import Foundation

/// Programs of others that read what we write; tests that need one skip where it is absent.
enum Tool {
    static let hasPython = (try? run(["python3", "-c", ""]))?.status == 0
    static let hasDuckDB = (try? run(["python3", "-c", "import duckdb"]))?.status == 0

    /// Runs to the end; standard error goes where the test's goes.
    static func run(_ command: [String]) throws -> (status: Int32, output: [UInt8]) {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, [UInt8](output))
    }
}
