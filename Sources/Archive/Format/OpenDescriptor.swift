import Glibc

/// A file descriptor that is closed when its last user goes.
final class OpenDescriptor: Sendable {
    let number: Int32

    init(_ number: Int32) { self.number = number }

    deinit { Glibc.close(number) }
}
