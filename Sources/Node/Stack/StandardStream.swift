import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Standard output and standard error. What is put there goes out at once, and one that takes nothing, for its disk is
/// full or its reader gone, ends no program in the middle: Foundation's `FileHandle` would.
package enum StandardStream: Int32, Sendable {
    case output = 1
    case errors = 2

    /// The error number of what kept output from being written; 0 as long as all of it was.
    private static let failure = Atomic<Int32>(0)

    package func put(_ text: String) {
        var text = text
        let problem = text.withUTF8 { put($0) }
        guard self == .output, problem != 0 else { return }
        _ = Self.failure.compareExchange(expected: 0, desired: problem, ordering: .relaxed)
    }

    /// Whether output was lost: then there is no sense in going on for its sake.
    package static var hasLostOutput: Bool { failure.load(ordering: .relaxed) != 0 }

    /// Why output was lost; nil where none was, or where its reader did not want more, as `head` does.
    package static var problem: String? {
        let number = failure.load(ordering: .relaxed)
        return number == 0 || number == EPIPE ? nil : String(cString: strerror(number))
    }

    /// Takes the places of standard streams that are closed: else the next file that is opened would be one of them, and
    /// be written to. Nothing is read from them, and what is written there is lost, with an error.
    package static func reserve() {
        for descriptor: Int32 in 0...2 where fcntl(descriptor, F_GETFD) < 0 {
            _ = open("/dev/null", O_RDONLY)
        }
    }

    /// - Returns: the number of the error that ended it; 0 when all was written.
    private func put(_ bytes: UnsafeBufferPointer<UInt8>) -> Int32 {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = write(rawValue, UnsafeBufferPointer(rebasing: rest).baseAddress, rest.count)
            if count >= 0 {
                rest = rest.dropFirst(count)
                continue
            }
            switch errno {
            case EINTR: continue
            case EAGAIN:
                // Somebody who shares the terminal made it so.
                var watched = pollfd(fd: rawValue, events: Int16(POLLOUT), revents: 0)
                _ = poll(&watched, 1, -1)
            default: return errno
            }
        }
        return 0
    }
}
