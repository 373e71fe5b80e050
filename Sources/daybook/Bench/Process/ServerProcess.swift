import Foundation

/// A `daybook serve` of our own executable on a folder of its own and a free port. Used by the bench and by the crash
/// tests, which is why it can be killed as well as stopped.
struct ServerProcess {
    let process: pid_t
    let url: String
    let key: String
    let host: String
    let port: UInt16

    /// Starts it and waits until it listens, which it says by writing its address.
    init(executable: String = Self.ownExecutable, data: String, arguments: [String] = [], patience: Duration = .seconds(60)) throws {
        process = try Self.spawn(executable: executable, data: data, arguments: arguments)
        let deadline = ContinuousClock.now + patience
        while true {
            if let address = ServerOptions.firstLine(data + "/address"), let key = ServerOptions.firstLine(data + "/admin.key"),
                let authority = Self.split(address)
            {
                (url, self.key, host, port) = (address, key, authority.host, authority.port)
                return
            }
            var status: Int32 = 0
            let ended = waitpid(process, &status, WNOHANG) != 0
            guard !ended, ContinuousClock.now < deadline else {
                if !ended {
                    Foundation.kill(process, SIGKILL)
                    waitpid(process, &status, 0)
                }
                let tail = (try? String(contentsOfFile: data + ".log", encoding: .utf8))?.suffix(2000) ?? ""
                throw CommandFailure("The server did not start on \(data).", advice: String(tail))
            }
            usleep(2000)
        }
    }

    /// Starts it without waiting for anything. Its output goes to `data`.log.
    static func spawn(executable: String = Self.ownExecutable, data: String, arguments: [String] = []) throws -> pid_t {
        try? FileManager.default.removeItem(atPath: data + "/address")
        return try spawn(executable, ["serve", "--data", data, "--listen", "127.0.0.1:0"] + arguments, log: data + ".log")
    }

    /// SIGTERM, and waits for the end.
    func stop() { kill(SIGTERM) }

    /// Sends `signal`, which must end it, and waits for the end. The exit status as `waitpid` gives it.
    @discardableResult
    func kill(_ signal: Int32) -> Int32 { Self.kill(process, signal) }

    @discardableResult
    static func kill(_ process: pid_t, _ signal: Int32) -> Int32 {
        var status: Int32 = 0
        Foundation.kill(process, signal)
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        return status
    }

    static let ownExecutable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]

    static func split(_ url: String) -> (host: String, port: UInt16)? {
        guard let parts = URLComponents(string: url), parts.scheme == "http", let host = parts.host else { return nil }
        guard let port = UInt16(exactly: parts.port ?? 80) else { return nil }
        return (host.trimmingCharacters(in: CharacterSet(charactersIn: "[]")), port)
    }

    private static func spawn(_ executable: String, _ arguments: [String], log: String) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        var words: [UnsafeMutablePointer<CChar>?] = ([executable] + arguments).map { strdup($0) }
        words.append(nil)
        defer { for word in words { free(word) } }
        // Settings of whoever runs this must not reach a server that is measured or killed: it is to run as shipped.
        var variables: [UnsafeMutablePointer<CChar>?] = ProcessInfo.processInfo.environment
            .filter { !$0.key.hasPrefix("DAYBOOK_") }.map { strdup($0.key + "=" + $0.value) }
        variables.append(nil)
        defer { for variable in variables { free(variable) } }
        var process: pid_t = 0
        let error = posix_spawn(&process, executable, &actions, nil, words, variables)
        guard error == 0 else { throw CommandFailure("Cannot start \(executable): \(String(cString: strerror(error))).") }
        return process
    }
}
