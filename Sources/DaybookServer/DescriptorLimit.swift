import Foundation
import Logging

/// How many files and connections a process may have open (getrlimit(2), RLIMIT_NOFILE). Shells start programs with 1,024,
/// for the sake of those that still use select(2); a server with connections, partitions and archives open wants more.
enum DescriptorLimit {
    /// Hundreds of connections, partitions of a year with three files each, and what lookups hold open of archives.
    static let wanted: rlim_t = 65_536

    /// Takes as many as the system lets it have without being asked.
    static func raise(_ logger: Logger) {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < wanted else { return }
        limit.rlim_cur = min(wanted, limit.rlim_max)
        if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 || limit.rlim_cur < 4096 {
            logger.warning(
                "at most \(limit.rlim_cur) files and connections can be open at once; raise the limit (ulimit -n, LimitNOFILE)")
        }
    }
}
