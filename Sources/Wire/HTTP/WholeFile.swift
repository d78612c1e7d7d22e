#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#endif

/// Small files, read whole.
package enum WholeFile {
    /// Bytes: a models.ini has a few thousand.
    package static let standardLimit = 4 << 20

    package struct Failure: Error, CustomStringConvertible {
        let name: String
        package let reason: String
        /// Whether there is no such file.
        package var isMissing = false

        package var description: String { "cannot read \(name): \(reason)" }
    }

    /// - Parameter mayBePipe: else one is refused, which would be waited for until somebody writes.
    package static func read(
        _ path: String, limit: Int = WholeFile.standardLimit, mayBePipe: Bool = false
    ) throws(Failure) -> [UInt8] {
        var facts = stat()
        if !mayBePipe, stat(path, &facts) == 0, facts.st_mode & S_IFMT == S_IFIFO {
            throw Failure(name: path, reason: "it is a pipe and no file")
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let number = errno
            throw Failure(name: path, reason: errnoText(number), isMissing: number == ENOENT)
        }
        defer { close(descriptor) }
        return try read(descriptor, path, limit)
    }

    package static func readStandardInput(limit: Int) throws(Failure) -> [UInt8] {
        try read(STDIN_FILENO, "standard input", limit)
    }

    private static func read(_ descriptor: CInt, _ name: String, _ limit: Int) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = buffer.withUnsafeMutableBytes { Wrapped.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Failure(name: name, reason: errnoText(errno)) }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= limit else {
                throw Failure(name: name, reason: "it is larger than \(limit >> 20) MiB")
            }
        }
    }
}

/// The C function, which the type's own hides.
private enum Wrapped {
    static func read(_ descriptor: CInt, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
        #if canImport(Darwin)
            Darwin.read(descriptor, buffer, count)
        #else
            Glibc.read(descriptor, buffer, count)
        #endif
    }
}
