import Foundation

/// Real input that lies beside the repository and is not part of it.
enum SharedData {
    static func folder(_ name: String) -> URL {
        URL(fileURLWithPath: TestServer.pipelines).deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent(
            "shared/data/\(name)")
    }

    static func isHere(_ name: String) -> Bool { FileManager.default.fileExists(atPath: folder(name).path) }
}
