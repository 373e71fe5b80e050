import Foundation

/// What standard output and standard error are connected to.
enum Terminal {
    static let outputIsTerminal = isatty(STDOUT_FILENO) == 1
    static let errorIsTerminal = isatty(STDERR_FILENO) == 1

    /// https://no-color.org: any value but the empty one switches colours off.
    static let hasColours = outputIsTerminal && (ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty

    /// Columns of the window; 160 where there is none to ask.
    static var width: Int {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 160 }
        return Int(size.ws_col)
    }
}

/// Standard output, written in large pieces and past stdio, whose own buffer would keep lines back from a pipe's reader.
enum StandardOutput {
    static func write(_ bytes: some Collection<UInt8>) {
        let whole = ContiguousArray(bytes)
        whole.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while !rest.isEmpty {
                let written = Foundation.write(STDOUT_FILENO, rest.base.baseAddress! + rest.startIndex, rest.count)
                if written < 0, errno == EINTR { continue }
                // The reader has gone, as `head` does: nobody is left to write for.
                guard written > 0 else { exit(0) }
                rest = rest.dropFirst(written)
            }
        }
    }

    static func line(_ text: String) { write((text + "\n").utf8) }
}

enum StandardError {
    static func line(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }
}
