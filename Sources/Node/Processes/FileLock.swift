#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// An exclusive lock on a file or directory, held while this value lives. The system lets go of it when the process
/// ends, however it ends; nothing is left on disk.
package final class FileLock: Sendable {
    private let descriptor: Int32

    private init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// - Parameter creating: whether to make the file when there is none (mode 0644); a directory must exist.
    /// - Returns: nil when someone else holds it, or the path cannot be opened.
    package static func tryTaking(_ path: String, creating: Bool = false) -> FileLock? {
        let flags = creating ? O_RDWR | O_CREAT | O_CLOEXEC : O_RDONLY | O_CLOEXEC
        let descriptor = open(path, flags, 0o644)
        guard descriptor >= 0 else { return nil }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return nil
        }
        return FileLock(descriptor: descriptor)
    }

    /// Waits for the holder to let go.
    ///
    /// - Returns: nil when that took longer than `limit`, and at once where there is nothing to lock.
    package static func taking(_ path: String, limit: Duration) async -> FileLock? {
        let deadline = ContinuousClock.now + limit
        while true {
            if let lock = tryTaking(path) { return lock }
            guard ContinuousClock.now < deadline, access(path, R_OK) == 0 else { return nil }
            do { try await Task.sleep(for: .milliseconds(50)) } catch { return nil }
        }
    }
}
