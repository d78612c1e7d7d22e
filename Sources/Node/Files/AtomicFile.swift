import Foundation
import Synchronization

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#endif

/// Writes whole files: beside the target, then renamed over it, so that a reader and a crash see the old file or the
/// new one and never half of either.
package enum AtomicFile {
    /// A file that could not be written, and why.
    package struct Failure: Error, CustomStringConvertible {
        package let path: String
        package let reason: String

        package var description: String {
            "cannot write \(path): \(reason)\n  fix: check the directory's permissions and the free space"
        }
    }

    /// Of this process's files so far: two threads may write the same one at a time.
    private static let count = Atomic<UInt64>(0)

    /// - Parameters:
    ///   - mode: the file's permissions whatever the umask says; nil leaves them to the umask.
    /// - Throws: ``Failure``; then the target is as it was.
    package static func write(_ text: String, to path: String, mode: UInt16? = nil) throws(Failure) {
        try write(bytes: Array(text.utf8), to: path, mode: mode)
    }

    /// The same for what is no text.
    package static func write(bytes: [UInt8], to path: String, mode: UInt16? = nil) throws(Failure) {
        let directory = (path as NSString).deletingLastPathComponent
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        } catch {
            throw Failure(path: path, reason: "no directory \(directory) (\(error.localizedDescription))")
        }
        let beside = "\(path).\(getpid()).\(count.add(1, ordering: .relaxed).newValue).tmp"
        let descriptor = create(beside, mode_t(mode ?? 0o666))
        guard descriptor >= 0 else { throw Failure(path: path, reason: String(cString: strerror(errno))) }
        var problem: String?
        func check(_ succeeded: Bool) {
            if !succeeded, problem == nil { problem = String(cString: strerror(errno)) }
        }
        check(put(bytes, to: descriptor))
        if let mode { check(fchmod(descriptor, mode_t(mode)) == 0) }
        check(fsync(descriptor) == 0)
        check(close(descriptor) == 0)
        if problem == nil { check(rename(beside, path) == 0) }
        if let problem {
            unlink(beside)
            throw Failure(path: path, reason: problem)
        }
        removeLeftovers(of: path, in: directory)
    }

    /// A new file, never one that is there: it has its mode before anything is in it, so that nobody else can read a
    /// secret even for a moment, and no link leads elsewhere. The umask can only take rights away.
    private static func create(_ path: String, _ mode: mode_t) -> Int32 {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let descriptor = open(path, flags, mode)
        guard descriptor < 0, errno == EEXIST else { return descriptor }
        // Left by a process that had this one's number.
        unlink(path)
        return open(path, flags, mode)
    }

    /// What a process that was killed had not renamed yet: its number and a count stand between the file's name and
    /// `.tmp`, or the number alone as older versions have it.
    private static func removeLeftovers(of path: String, in directory: String) {
        let prefix = (path as NSString).lastPathComponent + "."
        for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] {
            guard name.hasPrefix(prefix), name.hasSuffix(".tmp") else { continue }
            let numbers = name.dropFirst(prefix.count).dropLast(4).split(separator: ".")
            // With more between them it is a file whose name begins like this one's.
            guard numbers.count <= 2, let writer = numbers.first.flatMap({ pid_t($0) }), kill(writer, 0) != 0,
                errno == ESRCH
            else { continue }
            unlink("\(directory)/\(name)")
        }
    }

    private static func put(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        bytes.withUnsafeBytes { buffer in
            var written = 0
            while written < buffer.count {
                let count = posixWrite(descriptor, buffer.baseAddress?.advanced(by: written), buffer.count - written)
                if count < 0 {
                    if errno == EINTR { continue }
                    return false
                }
                written += count
            }
            return true
        }
    }
}

private func posixWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
