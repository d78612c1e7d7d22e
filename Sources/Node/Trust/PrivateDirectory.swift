import Foundation

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#endif

/// A directory of files that are their owner's alone: 0600 in 0700.
///
/// What is looser is not used: who could read it may have done so, who could write it may have put it there. The error
/// names the command that mends it, and whoever runs that decides.
struct PrivateDirectory: Equatable, Sendable {
    let path: String

    /// Bytes. Beyond this a file is none of ours.
    private static let longestFile = 16 << 20

    /// - Returns: false where there is none.
    /// - Throws: ``SecretsFailure`` where it is there and cannot be trusted.
    func isThere() throws(SecretsFailure) -> Bool {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT { return false }
            throw SecretsFailure(
                .unwritable, path, "it cannot be looked at (\(Self.lastError))", fix: "see its permissions")
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw SecretsFailure(
                .wrongKind, path, "it is not a directory of its own", fix: "move it away; llmstack makes a new one")
        }
        guard status.st_uid == geteuid() else { throw .foreignOwner(path) }
        guard status.st_mode & 0o077 == 0 else {
            throw .loose(path, "others may look into it or change it", chmod: "700")
        }
        return true
    }

    /// Makes it where it is not there.
    func make() throws(SecretsFailure) {
        if try isThere() { return }
        let parent = (path as NSString).deletingLastPathComponent
        try? FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
        // The mode is given at once: there is no moment at which others can enter.
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw SecretsFailure(
                .unwritable, path, "it cannot be made (\(Self.lastError))", fix: "see the permissions of \(parent)")
        }
        guard try isThere() else {
            throw SecretsFailure(.unwritable, path, "it was removed meanwhile", fix: "try again")
        }
    }

    /// - Returns: nil where there is no such file.
    /// - Throws: ``SecretsFailure``.
    func read(_ name: String) throws(SecretsFailure) -> String? {
        guard try isThere() else { return nil }
        let file = "\(path)/\(name)"
        // What is opened is what is judged: a link is not followed, and a pipe does not hold us up.
        let descriptor = open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else {
            switch errno {
            case ENOENT: return nil
            case ELOOP: throw Self.notAFile(file)
            case EACCES: throw try Self.unreadable(file)
            default:
                throw SecretsFailure(
                    .unwritable, file, "it cannot be opened (\(Self.lastError))", fix: "see its permissions")
            }
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw Self.notAFile(file) }
        guard status.st_uid == geteuid() else { throw .foreignOwner(file) }
        guard status.st_mode & 0o077 == 0 else {
            throw .loose(file, "others may read or change it", chmod: "600")
        }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: false)
        guard status.st_size <= Self.longestFile, let data = try? handle.readToEnd() ?? Data(),
            let text = String(data: data, encoding: .utf8)
        else {
            throw SecretsFailure(
                .damaged, file, "it is damaged", fix: "llmstack cluster restore FILE, or join the cluster again")
        }
        return text
    }

    /// Writes the whole file or nothing of it.
    func write(_ text: String, to name: String) throws(SecretsFailure) {
        try make()
        do throws(AtomicFile.Failure) {
            try AtomicFile.write(text, to: "\(path)/\(name)", mode: 0o600)
        } catch {
            throw SecretsFailure(
                .unwritable, error.path, "it cannot be written (\(error.reason))",
                fix: "check the directory's permissions and the free space")
        }
    }

    func remove(_ name: String) throws(SecretsFailure) {
        guard try isThere() else { return }
        guard unlink("\(path)/\(name)") == 0 || errno == ENOENT else {
            throw SecretsFailure(
                .unwritable, "\(path)/\(name)", "it cannot be removed (\(Self.lastError))", fix: "remove it by hand")
        }
    }

    /// Removes all of it; a link in its place is removed and not followed.
    ///
    /// - Returns: whether there was anything.
    func removeAll() throws(SecretsFailure) -> Bool {
        var status = stat()
        guard lstat(path, &status) == 0 else { return false }
        do { try FileManager.default.removeItem(atPath: path) } catch {
            throw SecretsFailure(
                .unwritable, path, "it cannot be removed (\(error.localizedDescription))",
                fix: "rm -r \(SecretsFailure.quoted(path))")
        }
        return true
    }

    private static func notAFile(_ path: String) -> SecretsFailure {
        SecretsFailure(
            .wrongKind, path, "it is a link or no file at all, and is not followed",
            fix: "put the file itself there, or remove it: rm \(SecretsFailure.quoted(path))")
    }

    /// A file that this user may not open: another's, or its own without the right to read.
    private static func unreadable(_ path: String) throws(SecretsFailure) -> SecretsFailure {
        var status = stat()
        if lstat(path, &status) == 0, status.st_uid != geteuid() { return .foreignOwner(path) }
        return .loose(path, "its owner may not read it", chmod: "600")
    }

    private static var lastError: String { String(cString: strerror(errno)) }
}
